"""Plot of throughput and p99 by number of connections."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from benchmarks.contenders import BARE, SERVICE
from benchmarks.table import Result

INK, FAINT, BLUE = "#22313f", "#98a3ae", "#2a6fbb"
OTHERS = ("#d9702b", "#2e8b62", "#8e5ea2", "#b08a2e", "#b5485d", "#4f8a8b")


def draw(results: Sequence[Result], path: Path) -> None:
    """Write the plot of what was measured as PNG: the service bold, the bare limit dashed."""
    measured = [result for result in results if result.runs]
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(1, 2)
    colours = iter(OTHERS)
    styles = {
        result.name: {"color": BLUE, "linewidth": 3.0, "zorder": 3}
        if result.name == SERVICE.name
        else {"color": INK, "linestyle": "--"}
        if result.name == BARE.name
        else {"color": next(colours)}
        for result in measured
    }
    for axes, what in zip(panels, ("answers a second", "p99, ms"), strict=True):
        for result in measured:
            counts = sorted(result.runs)
            runs = [result.runs[count] for count in counts]
            values = [
                run["rps"] if what == "answers a second" else run["statuses"]["200"]["p99"]
                for run in runs
            ]
            axes.plot(counts, values, marker="o", label=result.title, **styles[result.name])
        counts = sorted({count for result in measured for count in result.runs})
        axes.set(xscale="log", yscale="log", xlabel="connections", title=what)
        axes.set_xticks(counts, labels=[str(count) for count in counts])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color=FAINT, alpha=0.25)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.savefig(path, dpi=150, facecolor="white", metadata={"Software": None})
