"""Style of the figures: colours, axes, image galleries, histograms."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import PercentFormatter

from training.pixel_noise import Floats

INK, FAINT = "#22313f", "#98a3ae"
BLUE, ORANGE, GREEN = "#2a6fbb", "#d9702b", "#2e8b62"
DPI = 150


def canvas(
    width: float, height: float, columns: int = 1, rows: int = 1
) -> tuple[Figure, list[Axes]]:
    """Return a figure of a width and height in inches, and its axes, row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    every = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in every:
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(FAINT)
        axes.tick_params(color=FAINT, labelcolor=INK)
        axes.xaxis.label.set_color(INK)
        axes.yaxis.label.set_color(INK)
        axes.title.set_color(INK)
    return figure, every


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, reproducibly, and return the path."""
    figure.savefig(path, dpi=DPI, facecolor="white", metadata={"Software": None})
    return path


def gallery(rows: Mapping[str, Floats], title: str) -> Figure:
    """Return a figure with a labelled row for each array of images (n, height, width) in [0, 1]."""
    columns = max(len(images) for images in rows.values())
    layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.05, wspace=0, hspace=0)
    figure = Figure(figsize=(2.1 + 0.8 * columns, 0.5 + 0.85 * len(rows)), layout=layout)
    figure.suptitle(title, color=INK)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for line, (label, images) in zip(grid, rows.items(), strict=True):
        for axes, image in zip(line, images, strict=True):
            axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", labelpad=10, color=INK)
    return figure


def histogram(
    axes: Axes, values: Floats, label: str, colour: str, band: tuple[float, float]
) -> None:
    """Draw a histogram of values in [0, 1], their mean, and the share that lies in a band."""
    low, high = band
    counts, edges = np.histogram(values, 20, (0, 1))
    middles = (edges[:-1] + edges[1:]) / 2
    for middle, count in zip(middles, counts, strict=True):
        alpha = 1.0 if low < middle < high else 0.35
        axes.bar(middle, count / values.size, 0.048, color=colour, alpha=alpha)
    share = np.mean((values >= low) & (values <= high))
    mean = float(values.mean())
    axes.axvline(mean, color=INK, linewidth=1.2, linestyle="--")
    axes.text(
        0.97,
        0.95,
        f"{share:.0%} between {low:g} and {high:g}\nmean {mean:.2f} (dashed)",
        transform=axes.transAxes,
        ha="right",
        va="top",
        color=INK,
    )
    axes.set(xlim=(0, 1), xlabel=label, ylabel="share")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
