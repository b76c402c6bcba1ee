"""Scores: how far reconstructions are from their inputs, of items and of their parts."""

import numpy as np
from numpy.typing import NDArray

from service.inference.pixels import Floats
from service.rows import Rows

Numbers = NDArray[np.float64]
PIECE = 1 << 18
"""Numbers of items that are scored at a time, which take 8 bytes each until they are."""


def scores(inputs: Floats, reconstructions: Floats, rows: Rows | None) -> Numbers:
    """Return the mean squared error of each item, each column's error divided by its scale.

    Args:
        inputs: (batch, ...), in the model's numbers; NaN where one is missing.
        reconstructions: The same shape.
        rows: What a model of rows takes; None of images, whose scale is 1.

    Returns:
        (batch,). What is missing is left out; NaN of an item of which everything is.
    """
    return np.concatenate(
        [
            _mean(_errors(inputs[part], reconstructions[part], rows), keep=1)
            for part in _parts(inputs)
        ]
    )


def maps(inputs: Floats, reconstructions: Floats, rows: Rows | None) -> Floats:
    """Return the squared errors of the parts of each item, as scores() has them of the whole.

    Returns:
        float32: of images a number for each pixel, (batch, height, width), the mean over colours;
        of rows one for each column, (batch, columns) or (batch, steps, columns), the mean over the
        values of a category. NaN where a number is missing.
    """
    return np.concatenate(
        [_maps(inputs[part], reconstructions[part], rows) for part in _parts(inputs)]
    )


def _maps(inputs: Floats, reconstructions: Floats, rows: Rows | None) -> Floats:
    errors = _errors(inputs, reconstructions, rows)
    if rows and any(column.categories for column in rows.columns):
        starts = np.cumsum([0, *(column.features for column in rows.columns)])[:-1]
        counts = [column.features for column in rows.columns]
        errors = np.add.reduceat(errors, starts, axis=-1) / counts
    elif not rows and errors.ndim == 4:
        errors = errors.mean(axis=-1)
    return as_floats(errors)


def step_scores(inputs: Floats, reconstructions: Floats, rows: Rows | None) -> Numbers:
    """Return the score of each step of sequences (batch, steps, features), (batch, steps)."""
    return _mean(_errors(inputs, reconstructions, rows), keep=2)


def as_floats(values: Numbers) -> Floats:
    """Return numbers as float32, the largest of these for what is larger; NaN stays NaN."""
    return np.minimum(values, np.finfo(np.float32).max).astype(np.float32)


def _parts(inputs: Floats) -> list[slice]:
    """Return which items are scored at a time."""
    each = max(1, PIECE // max(1, inputs[0].size))
    return [slice(start, start + each) for start in range(0, len(inputs), each)]


def _errors(inputs: Floats, reconstructions: Floats, rows: Rows | None) -> Numbers:
    errors = np.subtract(inputs, reconstructions, dtype=np.float64)
    if rows:
        errors /= np.repeat(
            [column.scale for column in rows.columns],
            [column.features for column in rows.columns],
        )
    return np.square(errors, out=errors)


def _mean(errors: Numbers, *, keep: int) -> Numbers:
    """Return the mean over all but the first dimensions, of what is not missing."""
    flat = errors.reshape(*errors.shape[:keep], -1)
    known = ~np.isnan(flat)
    if known.all():
        mean: Numbers = flat.mean(axis=-1)
        return mean
    with np.errstate(invalid="ignore"):  # 0 of 0
        sums: Numbers = np.where(known, flat, 0).sum(axis=-1)
        means: Numbers = sums / known.sum(axis=-1)
    return means
