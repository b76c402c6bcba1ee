"""Sequences: items of one length, or long series that are cut into windows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from service.rows import Window
from training.datasets import columns
from training.datasets.arrays import read_array, read_arrays
from training.datasets.columns import Field, Table
from training.datasets.description import ARRAYS, Description
from training.datasets.duplicates import note_of_equal
from training.datasets.items import BATCH, DataSet, Items, digest, mapped, parts_of
from training.datasets.split import by_groups, by_time
from training.datasets.standardise import learn, rows_of
from training.pixel_noise import Floats


def load(description: Description) -> DataSet:
    """Return sequences: series are split in time, items at random by the seed of the description.

    Raises:
        OSError: There is no such file.
        ValueError: The series cannot be used; the error names the row and the column.
    """
    path = Path(description.path)
    if path.suffix.lower() not in ARRAYS:
        table = columns.read(description)
        is_items = description.window is None and len(table.lengths) > 1
        return _whole(table, description) if is_items else _cut(table, description)
    _check_fields(description)
    if path.suffix.lower() == ".npz" and len(arrays := read_arrays(path)) > 1:
        return _whole(_joined(arrays, description), description)
    array = _numbers(read_array(path), description)
    fields = _fields(array.shape[-1], description)
    if array.ndim == 3:
        return _items(array, fields, description)
    return _cut(Table(array, fields, (len(array),), None, ()), description)


def _items(array: Floats, fields: tuple[Field, ...], description: Description) -> DataSet:
    """Return items (n, steps, features) as they are."""
    steps = array.shape[1]
    if description.window:
        raise ValueError(
            f"window: expected none for {description.path}, whose items have {steps} steps"
        )
    parts = by_groups(np.arange(len(array)), description.split).checked(description.path)
    items = parts_of(array, parts)
    rows = Items(
        array.reshape(-1, array.shape[2]),
        (parts.train[:, np.newaxis] * steps + np.arange(steps)).ravel(),
    )
    scaling, constant = learn(rows, fields, masks=description.missing == "mask")
    return DataSet(
        *items,
        labels=None,
        pixels=None,
        rows=rows_of(fields, scaling, Window(steps=steps, stride=steps)),
        scaling=scaling,
        digest=digest(array),
        notes=(*constant, *note_of_equal(*items)),
    )


def _joined(arrays: Sequence[NDArray[Any]], description: Description) -> Table:
    """Return sequences (steps, features) as rows, one after the other.

    Raises:
        ValueError: One has other dimensions or features than the first, or no step.
    """
    width = arrays[0].shape[-1] if arrays[0].ndim else 0
    for number, each in enumerate(arrays, start=1):
        if each.ndim != 2 or each.shape[1] != width or not len(each):
            raise ValueError(
                f"{description.path}, array {number}: expected (steps, {width}), received "
                f"{each.shape}"
            )
    rows = np.concatenate([_numbers(each, description) for each in arrays])
    return Table(rows, _fields(width, description), tuple(map(len, arrays)), None, ())


def _whole(table: Table, description: Description) -> DataSet:
    """Return each series as an item, padded with NaN to the length of the longest."""
    if description.window:
        return _cut(table, description)
    lengths = np.array(table.lengths)
    parts = by_groups(np.arange(len(lengths)), description.split).checked(description.path)
    array = mapped((len(lengths), lengths.max(), table.features.shape[1]), np.float32)
    starts = np.cumsum([0, *table.lengths])
    for place, start, length in zip(array, starts, table.lengths, strict=False):
        place[:length] = table.features[start : start + length]
        place[length:] = np.nan
    items = parts_of(array, parts, None if (lengths == lengths[0]).all() else lengths)
    is_trained_on = np.repeat(np.isin(np.arange(len(lengths)), parts.train), lengths)
    rows = Items(table.features, np.flatnonzero(is_trained_on))
    scaling, constant = learn(rows, table.fields, masks=description.missing == "mask")
    longest = Window(steps=int(lengths.max()), stride=int(lengths.max()))
    return DataSet(
        *items,
        labels=None if table.labels is None else table.labels[starts[1:] - 1],
        pixels=None,
        rows=rows_of(table.fields, scaling, longest),
        scaling=scaling,
        digest=digest(array),
        notes=(*table.notes, *constant, *note_of_equal(*items)),
    )


def _cut(table: Table, description: Description) -> DataSet:
    """Return the windows of series."""
    window = description.window
    if window is None:
        raise ValueError(
            f"window: expected a number of steps for the series of {description.path}, "
            "received none"
        )
    if window.steps > (longest := max(table.lengths)):
        raise ValueError(
            f"window: expected at most {longest:,} steps, the rows of the longest series of "
            f"{description.path}, received {window.steps:,}"
        )
    parts, left = by_time(table.lengths, window, description.split)
    parts.checked(description.path)
    features, steps = table.features, window.steps
    items = parts_of(np.moveaxis(sliding_window_view(features, steps, axis=0), -1, 1), parts)
    covered = np.zeros(len(features) + 1, np.int64)
    np.add.at(covered, parts.train, 1)
    np.add.at(covered, parts.train + steps, -1)
    rows = Items(features, np.flatnonzero(np.cumsum(covered)[:-1]))
    scaling, constant = learn(rows, table.fields, masks=description.missing == "mask")
    unused = (f"{left:,} of {len(features):,} rows are in no window",) if left else ()
    return DataSet(
        *items,
        labels=None if table.labels is None else table.labels[steps - 1 :],
        pixels=None,
        rows=rows_of(table.fields, scaling, window),
        scaling=scaling,
        digest=digest(features),
        notes=(*table.notes, *unused, *constant, *note_of_equal(*items)),
    )


def _check_fields(description: Description) -> None:
    """Raise ValueError for a field that says something of files with named columns."""
    for name in ("categories", "key", "label", "series"):
        if getattr(description, name):
            raise ValueError(f"{name}: expected none for the array {description.path}")


def _fields(width: int, description: Description) -> tuple[Field, ...]:
    """Return the columns of an array, whose names the description may tell."""
    names = description.columns or tuple(f"feature_{number}" for number in range(1, width + 1))
    if len(names) != width:
        raise ValueError(
            f"columns: expected {width} names for {description.path}, received {len(names)}"
        )
    return tuple(Field(name, ()) for name in names)


def _numbers(array: NDArray[np.generic], description: Description) -> Floats:
    """Return an array as float32.

    Raises:
        ValueError: It has other dimensions or no numbers, or one is missing or infinite.
    """
    if array.ndim not in (2, 3) or array.dtype.kind not in "fiu" or 0 in array.shape:
        raise ValueError(
            f"{description.path}: expected numbers (rows, features) or (items, steps, features), "
            f"received {array.dtype} {array.shape}"
        )
    # One that is larger than memory, and not float32, stays in a file.
    found: NDArray[Any] = array if array.dtype == np.float32 else mapped(array.shape, np.float32)
    for start in range(0, len(array), BATCH):
        with np.errstate(over="ignore"):  # infinity, which is refused below
            piece = np.asarray(array[start : start + BATCH], np.float32)
        wrong = np.isinf(piece) if description.missing == "mask" else ~np.isfinite(piece)
        if wrong.any():
            first = [int(each) for each in np.argwhere(wrong)[0]]
            first[0] += start
            raise ValueError(
                f"{description.path}, item {first}: expected a finite number, received "
                f"{array[tuple(first)]}"
            )
        if found is not array:
            found[start : start + BATCH] = piece
    return found
