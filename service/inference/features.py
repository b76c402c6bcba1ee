"""Rows with named columns as features: numbers, and a feature for each value of a category."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidValue, ShapeMismatch
from service.inference.numeric_columns import MISSING, Values, Wrong, fill
from service.inference.pixels import Floats
from service.inference.scores import Numbers
from service.rows import Column, Rows, Window


@dataclass(frozen=True, slots=True)
class Series:
    """How a series of rows was cut into windows.

    Attributes:
        rows: How many there are.
        window: How they were cut.
        starts: The row at which each window starts, (windows,).
    """

    rows: int
    window: Window
    starts: NDArray[np.intp]

    @property
    def left_over(self) -> int:
        """How many rows at the end are in no window."""
        return self.rows - (int(self.starts[-1]) + self.window.steps)

    def of_rows(self, values: Numbers) -> Numbers:
        """Return the value of each row, (rows,), of those of windows, (windows, steps).

        It is the mean over the windows that cover the row, and NaN where none does.
        """
        sums, counts = np.zeros(self.rows), np.zeros(self.rows)
        for step in range(self.window.steps):
            known = ~np.isnan(values[:, step])
            sums[self.starts[known] + step] += values[known, step]
            counts[self.starts[known] + step] += 1
        means = np.full(self.rows, np.nan)
        np.divide(sums, counts, out=means, where=counts > 0)
        return means


def features(columns: Mapping[str, Values], rows: Rows, *, first: int = 0) -> Floats:
    """Return rows as a model takes them.

    Args:
        columns: The values of each of the model's columns, as many of each, by name.
        rows: What the model takes.
        first: The number of the first row, where these are a part of more.

    Returns:
        float32 (rows, features). NaN where a value is missing, in all features of a category.

    Raises:
        InvalidValue: A value is no number or category that the model takes, or is missing where
            none may be; the message names the first row and its column.
    """
    try:
        return _features(columns, rows)
    except Wrong as wrong:
        raise InvalidValue(f"rows[{first + wrong.row}]{wrong}") from None


def _features(columns: Mapping[str, Values], rows: Rows) -> Floats:
    count = len(columns[rows.columns[0].name])
    found = np.empty((count, rows.features), np.float32)
    start = 0
    for is_number, group in itertools.groupby(rows.columns, lambda each: not each.categories):
        some = list(group)
        if is_number:
            end = start + len(some)
            fill(found[:, start:end], columns, some, may_miss=rows.missing)
            start = end
            continue
        for column in some:
            end = start + column.features
            found[:, start:end] = _one_hot(columns[column.name], column, may_miss=rows.missing)
            start = end
    return found


def windows(found: Floats, window: Window) -> tuple[Floats, Series]:
    """Cut a series into windows.

    Args:
        found: The features of its rows, (rows, features).
        window: How to cut it.

    Returns:
        The windows, (windows, steps, features), and how they lie.

    Raises:
        ShapeMismatch: The series is shorter than a window.
    """
    if len(found) < window.steps:
        raise ShapeMismatch(
            f"rows: expected at least {window.steps}, those of a window, received {len(found)}"
        )
    starts = np.arange(0, len(found) - window.steps + 1, window.stride)
    every = np.lib.stride_tricks.sliding_window_view(found, window.steps, axis=0)
    cut = every[:: window.stride].transpose(0, 2, 1)
    return np.ascontiguousarray(cut), Series(len(found), window, starts)


def _one_hot(values: Values, column: Column, *, may_miss: bool) -> Floats:
    known = {name: index for index, name in enumerate(column.categories)}
    codes = _codes(values, known, column, may_miss=may_miss)
    # The last row is that of a value that is missing.
    encoded = np.vstack((np.eye(len(known)), np.full(len(known), np.nan))).astype(np.float32)
    return encoded[np.fromiter(codes, np.intp, len(values))]


def _names(value: float) -> Sequence[str]:
    """Return what a category may be called of which a file has a number, or true or false."""
    if isinstance(value, bool):
        return [str(value).lower()]
    if float(value).is_integer():
        return [str(value), str(int(value)), str(float(value))]
    return [str(value)]


def _codes(
    values: Values, known: Mapping[str, int], column: Column, *, may_miss: bool
) -> Iterable[int]:
    for row, value in enumerate(values):
        code = known.get(value) if isinstance(value, str) else None
        if code is None and isinstance(value, int | float):
            code = next((known[name] for name in _names(value) if name in known), None)
        if code is None:
            is_missing = value is None or (isinstance(value, str) and value in MISSING)
            if not (is_missing and may_miss):
                received = "none" if is_missing else repr(value)[:40]
                raise Wrong(row, column, f"one of {', '.join(known)}"[:200], received)
            code = -1
        yield code
