"""The losses of a training as curves, a figure for each of its phases."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from training.report.svg import FAINT, FIRST, SECOND, WIDTH, grid, inline, legend
from training.results import Losses

FAR = 4.0
"""From this ratio of the highest to the lowest error on, they are drawn on a logarithmic scale."""


def draw(phase: str, rows: Losses) -> Markup:
    """Return the curves of a phase.

    The first chart has the mean squared errors, with the best epoch; where the loss is something
    else than that, a second one has the loss.
    """
    epochs = [row["epoch"] + 1 for row in rows]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    has_other = not np.allclose(columns["val_loss"], columns["val_mse"], rtol=1e-3)
    figure, axes = grid(1, 1 + has_other, width=WIDTH / (1 + has_other), height=2.7)
    best = int(np.argmin(columns["val_mse"]))
    value = columns["val_mse"][best]
    point = axes[0].plot(epochs[best], value, "o", color=SECOND, markersize=5)
    told = f"best: {value:.4g}, epoch {epochs[best]:g}"
    _curves(axes[0], epochs, columns["mse"], columns["val_mse"], "mean squared error", told, point)
    if has_other:
        _curves(axes[1], epochs, columns["loss"], columns["val_loss"], "loss")
    return inline(figure, f"losses of {phase}, {len(rows)} epochs")


def compare(names: Sequence[str], losses: Sequence[Losses]) -> Markup:
    """Return the validation errors of two trainings in one chart."""
    figure, (axes,) = grid(1, 1, width=WIDTH, height=2.9)
    lines = []
    for rows, colour in zip(losses, (FIRST, SECOND), strict=True):
        values = [row["val_mse"] for row in rows]
        lines += axes.plot(range(1, len(values) + 1), values, color=colour)
    _scale(axes, np.concatenate([[row["val_mse"] for row in rows] for rows in losses]))
    axes.set(xlabel="epoch", ylabel="mean squared error, validation")
    legend(axes, lines, names)
    return inline(figure, f"validation errors of {' and '.join(names)}")


def _curves(
    axes: Axes,
    epochs: list[float],
    train: np.ndarray,
    validation: np.ndarray,
    label: str,
    best: str = "",
    point: Sequence[Any] = (),
) -> None:
    # Above the axes, where no curve is.
    style = "." if len(epochs) == 1 else ""
    lines = [
        *axes.plot(epochs, train, color=FAINT, marker=style),
        *axes.plot(epochs, validation, color=SECOND, marker=style),
    ]
    names = ["training", "validation", *([best] if best else [])]
    legend(axes, [*lines, *point], names)
    _scale(axes, np.concatenate([train, validation]))
    axes.set(xlabel="epoch", ylabel=label)


def _scale(axes: Axes, values: np.ndarray) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if values.min() > 0 and values.max() > FAR * values.min():
        axes.set_yscale("log")
