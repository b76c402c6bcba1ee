"""The figures of a report: of the parts, of each class, and of each column."""

import math
from dataclasses import dataclass

import numpy as np

from service.inference.scores import Numbers
from training.report.measure import Measured
from training.results import Results

MOST_CLASSES = 50
MOST_COLUMNS = 50
"""Columns in a table of errors: those with the largest."""


@dataclass(frozen=True)
class Mean:
    """The mean score of some items.

    Args:
        name: What they have in common.
        items: How many they are; None where it is said elsewhere.
        score: The mean.
        above: The share of them above the threshold; None where there is none.
    """

    name: str
    items: int | None
    score: float
    above: float | None


def figures(results: Results, measured: Measured) -> dict[str, str]:
    """Return the figures of a model, by name, as they are shown."""
    found = {}
    for name, values in scores(results, measured).items():
        mean = float(np.nanmean(values))
        found[f"mean score, {name}"] = number(mean)
        if results.rows is None:
            found[f"PSNR, {name}"] = f"{-10 * math.log10(max(mean, 1e-10)):.2f} dB"
    if measured.above:
        found["threshold"] = number(measured.above.score)
        found["its false-alarm rate"] = share(measured.above.rate)
        if results.test is not results.validation:
            above = float(np.nanmean(measured.test > measured.above.score))
            found[f"{results.test.name} above it"] = share(above)
    return found


def scores(results: Results, measured: Measured) -> dict[str, Numbers]:
    """Return the scores of each part, by its name."""
    found = {results.validation.name: measured.validation}
    if results.test is not results.validation:
        found[results.test.name] = measured.test
    return found


def classes(results: Results, measured: Measured) -> list[Mean]:
    """Return the mean score of each class of the test part, the highest first."""
    labels = results.test.labels
    names = [] if labels is None else np.unique(labels).tolist()
    if labels is None or not 1 < len(names) <= MOST_CLASSES:
        return []
    found = []
    for name in names:
        values = measured.test[labels == name]
        values = values[~np.isnan(values)]
        if len(values):
            above = None
            if measured.above:
                above = float(np.mean(values > measured.above.score))
            found.append(Mean(name, len(values), float(values.mean()), above))
    return sorted(found, key=lambda each: -each.score)


def columns(results: Results, measured: Measured) -> list[Mean]:
    """Return the mean error of each column over the test part, the highest first."""
    if results.rows is None:
        return []
    found = [
        Mean(column.name, None, float(error), None)
        for column, error in zip(results.rows.columns, measured.parts, strict=True)
    ]
    return sorted(found, key=lambda each: -each.score)


def number(value: float) -> str:
    """Return a number with four digits."""
    return f"{value:.4g}"


def share(value: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * value:.3g} %"
