"""Columns of numbers as features: many short ones at once, as each takes numpy some calls."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.inference.pixels import Floats
from service.inference.scores import Numbers
from service.rows import Column

LARGEST = float(np.finfo(np.float32).max)
MISSING = ("", "NaN", "nan", "NA", "N/A", "null", "NULL")
"""Cells of text without a value."""
TOGETHER = 8192
"""Values of columns that are converted at once."""

Values = Sequence[Any] | NDArray[Any]
"""The values of a column: numbers, texts, or None where one is missing."""


class Wrong(Exception):
    """A value that the model does not take, in a row of those that are read together."""

    def __init__(self, row: int, column: Column, expected: str, received: str) -> None:
        """Note where it is, what was expected there, and what was received."""
        super().__init__(f".{column.name}: expected {expected}, received {received}")
        self.row = row


def fill(
    found: Floats, columns: Mapping[str, Values], numeric: Sequence[Column], *, may_miss: bool
) -> None:
    """Write the numbers of columns.

    Args:
        found: Where to, (rows, columns); NaN where a value is missing.
        columns: The values of each column, by name.
        numeric: The columns, in order, which have no categories.
        may_miss: Whether a value may be missing.

    Raises:
        Wrong: A value is no number, is too large, or is missing where none may be.
    """
    together = max(1, TOGETHER // max(1, len(found)))
    for start in range(0, len(numeric), together):
        some = numeric[start : start + together]
        values = [columns[column.name] for column in some]
        numbers = _converted(values, may_miss=may_miss)
        if numbers is None and len(some) > 1:
            for index, column in enumerate(some, start):
                fill(found[:, index : index + 1], columns, [column], may_miss=may_miss)
            continue
        if numbers is None:
            (column,), (cells,) = some, values
            numbers = np.array([[_number(cell, row, column) for row, cell in enumerate(cells)]])
        _check(numbers, some, may_miss=may_miss)
        found[:, start : start + len(some)] = numbers.T


def _check(numbers: Numbers, numeric: Sequence[Column], *, may_miss: bool) -> None:
    """Raise Wrong for the first of numbers (columns, rows) that the model does not take."""
    beyond = np.abs(numbers) > LARGEST
    wrong = beyond if may_miss else beyond | np.isnan(numbers)
    if wrong.any():
        index, row = divmod(int(wrong.argmax()), numbers.shape[1])
        if np.isnan(numbers[index, row]):
            raise Wrong(row, numeric[index], "a number", "none")
        raise Wrong(row, numeric[index], f"at most {LARGEST:.8g}", str(numbers[index, row]))


def _converted(columns: Sequence[Values], *, may_miss: bool) -> Numbers | None:
    """Return columns whose values are all numbers, or all texts of numbers; None for others.

    Args:
        columns: The values of each, as many of each.
        may_miss: Whether None stands for NaN.

    Returns:
        (columns, rows).
    """
    if any(isinstance(values, np.ndarray) for values in columns):
        kinds = {values.dtype.kind if isinstance(values, np.ndarray) else "" for values in columns}
        return np.array(columns, np.float64) if kinds <= {"f", "i", "u"} else None
    types = set(map(type, itertools.chain.from_iterable(columns)))
    shape = len(columns), len(columns[0])
    try:
        if types <= ({int, float, type(None)} if may_miss else {int, float}):
            return np.array(columns, np.float64)
        if types == {str}:  # which numpy takes twice the time for
            cells = itertools.chain.from_iterable(_known(columns) if may_miss else columns)
            return np.fromiter(map(float, cells), np.float64, math.prod(shape)).reshape(shape)
    except (ValueError, OverflowError):
        pass
    return None


def _known(columns: Sequence[Values]) -> list[list[str]]:
    """Return columns of texts, of which those that stand for no value are one that float knows."""
    none = frozenset(MISSING)
    return [["nan" if cell in none else cell for cell in cells] for cells in columns]


def _number(value: Any, row: int, column: Column) -> float:
    if value is None or value in MISSING:
        return np.nan
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise Wrong(row, column, "a number", repr(value)[:40])
