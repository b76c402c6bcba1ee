"""Figures of experiments: numbers of each method as dots on a line."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from statistics import mean

from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from training.fashion.drawing import BLUE, FAINT, INK, ORANGE, canvas, save


def dots(
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    simple: Collection[str],
    path: Path,
    logarithmic: Collection[str] = (),
    label: str = "",
    chance: float | None = None,
) -> Path:
    """Draw a panel for each quantity: a line for each method, a dot for each number, their mean.

    Args:
        panels: The numbers of each method, by the title of the panel; all have the same methods.
        simple: Methods that are no autoencoders, in another colour.
        path: Of the PNG.
        logarithmic: Titles of panels whose scale is logarithmic.
        label: Of the scales of all panels.
        chance: What guessing gets, a dotted line; None to draw none.
    """
    methods = list(next(iter(panels.values())))
    width = 1.8 + min(9.0, 4.0 * len(panels))  # a wider figure is made smaller on a page
    figure, row = canvas(width, 0.9 + 0.29 * len(methods), columns=len(panels))
    for index, (axes, (title, numbers)) in enumerate(zip(row, panels.items(), strict=True)):
        for line, method in enumerate(methods):
            colour = ORANGE if method in simple else BLUE
            found = numbers[method]
            axes.axhline(line, color=FAINT, linewidth=0.5, alpha=0.5, zorder=0)
            axes.plot(found, [line] * len(found), "o", color=colour, markersize=5, alpha=0.45)
            if found:
                axes.plot(mean(found), line, "|", color=INK, markersize=13, markeredgewidth=2)
        if chance is not None:
            axes.axvline(chance, color=FAINT, linewidth=1, linestyle=":", zorder=0)
        if title in logarithmic:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.xaxis.set_minor_formatter(NullFormatter())
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_yticks(range(len(methods)), methods if index == 0 else [""] * len(methods))
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(methods) - 0.5, -0.5)
        axes.set_xlabel(label)
        axes.set_title(title, fontsize=11)
    path.parent.mkdir(parents=True, exist_ok=True)
    return save(figure, path)
