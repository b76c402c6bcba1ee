"""Figures as SVG inside of a page: its colours, light or dark, and its letters."""

import io
import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, FAINT, LINE = "#010201", "#010202", "#010203"
FIRST, SECOND, FAULT = "#010204", "#010205", "#010206"
VARIABLES = {
    INK: "--ink",
    FAINT: "--faint",
    LINE: "--line",
    FIRST: "--first",
    SECOND: "--second",
    FAULT: "--fault",
}
"""Colours that no figure has otherwise, and the variables of the page that take their place."""

WIDTH = 11.2
"""Inches of a page, at 96 pixels each."""
RASTER = 160
"""Dots per inch of what is not drawn as lines."""

STYLE: Any = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "report",
    "font.size": 9,
    "axes.edgecolor": LINE,
    "axes.labelcolor": FAINT,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "text.color": INK,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
    "lines.linewidth": 1.6,
    "lines.solid_joinstyle": "round",
}


def grid(
    rows: int, columns: int, *, width: float, height: float, sharex: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, row by row, each of a width and height in inches."""
    with rc_context(STYLE):
        figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=sharex)
    return figure, list(axes.ravel())


def inline(figure: Figure, label: str) -> Markup:
    """Return a figure as an SVG element.

    Args:
        figure: Drawn with the colours of this module, which become the page's.
        label: What it shows, for those who do not see it.
    """
    written = io.StringIO()
    with rc_context(STYLE):
        figure.savefig(
            written,
            format="svg",
            dpi=RASTER,
            metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")),
        )
    text = written.getvalue()
    text = text[text.index("<svg") :]
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    # Matplotlib numbers what it draws; the numbers of two figures on a page would be the same.
    text = re.sub(r' id="[a-z0-9.]+_\d+"', "", text)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"\n\s*", "\n", text)
    opening = f'<svg role="img" aria-label="{escape(label)}" '
    return Markup(text.replace("<svg ", opening, 1))  # Matplotlib escapes what it draws


def legend(axes: Axes, handles: Sequence[Any], names: Sequence[str], **place: Any) -> None:
    """Draw a legend of these names, whatever they begin with."""
    shown = [plain(name) for name in names]
    axes.legend(handles, shown, frameon=False, labelcolor=INK, **place)


def plain(text: str) -> str:
    """Return a text that Matplotlib draws as it is, and not as a formula."""
    return text.replace("$", r"\$")
