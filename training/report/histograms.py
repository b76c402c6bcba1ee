"""Histograms of errors, with the threshold, and of codings, one for each unit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from service.inference.anomalies import Threshold
from service.inference.scores import Numbers
from training.pixel_noise import Floats
from training.report.svg import FAINT, FAULT, FIRST, LINE, SECOND, WIDTH, grid, inline, legend

BINS = 40
MOST_SMALL = 32
"""Units that have a histogram each; more are rows of one picture."""
WIDE = 6.0
"""From this ratio of the highest score to the median on, the scale is logarithmic."""
STILL = 1e-3
"""A unit whose standard deviation is a smaller share of the largest one says nothing."""


def of_errors(parts: Mapping[str, Numbers], above: Threshold | None) -> Markup:
    """Return the histograms of the scores of one or two parts, by their names, as outlines."""
    parts = {name: scores[~np.isnan(scores)] for name, scores in parts.items()}
    edges = _edges(np.concatenate(list(parts.values())), above)
    figure, (axes,) = grid(1, 1, width=WIDTH, height=2.7)
    drawn: list[Any] = []
    for scores, colour in zip(parts.values(), (FIRST, SECOND), strict=False):
        counts, _ = np.histogram(np.clip(scores, edges[0], edges[-1]), edges)
        shares = counts / max(1, len(scores))
        drawn.append(axes.stairs(shares, edges, color=colour, linewidth=1.6))
        # Bins of the same height beside each other would look like one that is twice as wide.
        lower = np.minimum(shares[:-1], shares[1:])
        axes.vlines(edges[1:-1][lower > 0], 0, lower[lower > 0], color=colour, linewidth=0.5)
    if edges[0] > 0:
        axes.set_xscale("log")
    names = list(parts)
    if above:
        drawn.append(axes.axvline(above.score, color=FAULT, linewidth=1.2, linestyle="--"))
        names.append(f"threshold {above.score:.4g}")
    axes.set(xlabel="score", ylabel="share of items", xlim=(edges[0], edges[-1]))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{round(100 * value, 6):g} %")
    legend(axes, drawn, names)
    return inline(figure, "histograms of scores")


def _edges(scores: Numbers, above: Threshold | None) -> Numbers:
    """Return the edges of bins, each the same factor above the last where scores span many."""
    high = max(float(scores.max()), above.score if above else 0.0, 1e-12) * 1.05
    low = float(np.quantile(scores, 0.001))
    bins = min(BINS, max(10, round(2 * len(scores) ** 0.5)))
    if low > 0 and high > WIDE * float(np.median(scores)):
        return np.geomspace(low, high, bins + 1)
    return np.linspace(0, high, bins + 1)


def of_codings(codings: Floats) -> Markup:
    """Return the histogram of each unit of codings (n, units)."""
    low, high = float(codings.min()), float(codings.max())
    high = high if high > low else low + 1
    if codings.shape[1] > MOST_SMALL:
        return _as_picture(codings, low, high)
    columns = min(8, codings.shape[1])
    rows = -(-codings.shape[1] // columns)
    figure, axes = grid(rows, columns, width=WIDTH / columns, height=0.95, sharex=True)
    # Without a gap, the axis of a unit runs into that of the next.
    figure.set_layout_engine("constrained", w_pad=0.08)
    edges = np.linspace(low, high, BINS // 2 + 1)
    for unit, place in enumerate(axes):
        if unit >= codings.shape[1]:
            place.set_visible(False)
            continue
        counts, _ = np.histogram(codings[:, unit], edges)
        place.stairs(counts, edges, color=FIRST, fill=True)
        place.set(yticks=[], xlim=(low, high))
        place.spines["left"].set_visible(False)
        place.set_title(str(unit + 1), fontsize=8, color=FAINT, pad=2)
        place.tick_params(labelsize=8)
    return inline(figure, f"histograms of the {codings.shape[1]} numbers of a coding")


def _as_picture(codings: Floats, low: float, high: float) -> Markup:
    """Draw a row of densities for each unit, those that vary most at the top."""
    order = np.argsort(-codings.std(axis=0), kind="stable")
    edges = np.linspace(low, high, 2 * BINS + 1)
    counts = np.stack([np.histogram(codings[:, unit], edges)[0] for unit in order])
    share = counts / len(codings)
    figure, (axes,) = grid(1, 1, width=WIDTH, height=3.4)
    # The square root shows what is rare beside what is not.
    picture = axes.imshow(
        np.sqrt(share), aspect="auto", extent=(low, high, len(order), 0), cmap="magma",
        vmin=0, vmax=1, interpolation="nearest",
    )  # fmt: skip
    axes.set(xlabel="value", ylabel="units, the most varying first")
    bar = figure.colorbar(picture, ax=axes, ticks=np.sqrt([0, 0.05, 0.25, 0.5, 1]))
    bar.set_ticklabels(["0 %", "5 %", "25 %", "50 %", "100 %"])
    bar.set_label("share of items", color=FAINT, labelpad=8)
    bar.ax.tick_params(color=LINE, labelcolor=FAINT)
    bar.outline.set_visible(False)
    return inline(figure, f"densities of the {len(order)} numbers of a coding")


def still(codings: Floats) -> int:
    """Return how many units of codings (n, units) have the same value for nearly all items."""
    deviations = codings.std(axis=0)
    return int((deviations <= STILL * max(float(deviations.max()), 1e-12)).sum())
