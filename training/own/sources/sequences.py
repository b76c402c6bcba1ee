"""Sequences: series of rows cut into windows, whole series, and arrays of sequences."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from service.rows import Rows, Window
from training.datasets.arrays import read_array, read_arrays
from training.datasets.description import ARRAYS
from training.datasets.series import Series
from training.indexing.piece import SIZE, Piece
from training.own.sources.rows import Batch, Columns, batches


def pieces(path: Path, rows: Rows, columns: Columns) -> Iterator[Piece]:
    """Yield sequences.

    A window is found by its first row, and of the class of its last. A model of sequences of any
    length takes each series as one.

    Args:
        path: A CSV or Parquet file or a folder of them, a data set of Hugging Face, an array
            (items, steps, features) or of the rows of one series, or several of these in one file.
        rows: What the model takes.
        columns: What else is read of files.

    Raises:
        OSError: There are no files.
        ValueError: A value is wrong, the array is not as the model takes it, or no series is as
            long as a window.
    """
    if path.suffix.lower() in ARRAYS:
        arrays = read_arrays(path) if path.suffix.lower() == ".npz" else []
        yield from _of_arrays(path, arrays, rows) if len(arrays) > 1 else _of_array(path, rows)
        return
    longest, found = 0, False
    where = f"{path}, column {columns.series}"
    read = _by_series(batches(path, rows, columns), where)
    for name, series in groupby(read, lambda each: each[0]):
        parts = [part for _, part in series]
        whole = Batch(
            parts[0].file,
            parts[0].start,
            np.concatenate([part.features for part in parts]),
            [each for part in parts for each in part.ids],
            [each for part in parts for each in part.labels],
            (),
        )
        longest = max(longest, len(whole.ids))
        if rows.window is None:
            found = True
            yield Piece(whole.features[None], [name or whole.ids[0]], whole.labels[-1:])
            continue
        for piece in _windows(whole, rows.window):
            found = True
            yield piece
    if not found:
        raise ValueError(f"{path}: expected a series of {_steps(rows)} rows, received {longest}")


def _by_series(read: Iterator[Batch], where: str) -> Iterator[tuple[str, Batch]]:
    """Yield the rows of each series in turn, with its name; a file ends all of its series."""
    known, file = Series(), ""
    for batch in read:
        if batch.file != file:
            known.end()
        start, file = 0, batch.file
        for name, same in groupby(batch.series):
            part = slice(start, start + len(list(same)))
            known.grow(name, part.stop - start, where)
            whose = name if name == batch.file else "#".join(filter(None, (batch.file, name)))
            yield (
                whose,
                Batch(
                    batch.file,
                    batch.start + start,
                    batch.features[part],
                    batch.ids[part],
                    batch.labels[part],
                    (),
                ),
            )
            start = part.stop


def _windows(series: Batch, window: Window) -> Iterator[Piece]:
    starts = range(0, len(series.ids) - window.steps + 1, window.stride)
    if not starts:
        return
    every = sliding_window_view(series.features, window.steps, axis=0).transpose(0, 2, 1)
    for first in range(0, len(starts), SIZE):
        chosen = list(starts[first : first + SIZE])
        yield Piece(
            np.ascontiguousarray(every[chosen]),
            [series.ids[start] for start in chosen],
            [series.labels[start + window.steps - 1] for start in chosen],
            first,
        )


def _of_array(path: Path, rows: Rows) -> Iterator[Piece]:
    array = read_array(path)
    expected = f"numbers (items, steps, {rows.features}) or (rows, {rows.features})"
    if array.ndim not in (2, 3) or array.dtype.kind not in "fiu":
        raise ValueError(f"{path}: expected {expected}, received {array.dtype} {array.shape}")
    if array.shape[-1] != rows.features or 0 in array.shape:
        raise ValueError(f"{path}: expected {expected}, received {array.shape}")
    if array.ndim == 3:
        for start in range(0, len(array), SIZE):
            part = _floats(array[start : start + SIZE], rows, path, start)
            yield Piece(part, _numbers(start, len(part)), [None] * len(part))
        return
    whole = _floats(array, rows, path)
    series = Batch("", 0, whole, _numbers(0, len(whole)), [None] * len(whole), ())
    if rows.window is None:
        yield Piece(whole[None], ["0"], [None])
    elif len(whole) < rows.window.steps:
        raise ValueError(f"{path}: expected {rows.window.steps} rows, received {len(whole)}")
    else:
        yield from _windows(series, rows.window)


def _of_arrays(path: Path, arrays: Sequence[NDArray[Any]], rows: Rows) -> Iterator[Piece]:
    """Yield sequences (steps, features), or their windows, by the number of the array."""
    found = False
    for number, array in enumerate(arrays):
        is_sequence = array.ndim == 2 and array.shape[1] == rows.features and len(array)
        if not is_sequence or array.dtype.kind not in "fiu":
            raise ValueError(
                f"{path}, array {number + 1}: expected numbers (steps, {rows.features}), received "
                f"{array.dtype} {array.shape}"
            )
        whole = _floats(array, rows, f"{path}, array {number + 1}")
        if rows.window is None:
            found = True
            yield Piece(whole[None], [str(number)], [None])
            continue
        ids = [f"{number}#{row}" for row in range(len(whole))]
        for piece in _windows(Batch("", 0, whole, ids, [None] * len(whole), ()), rows.window):
            found = True
            yield piece
    if not found:
        longest = max(map(len, arrays))
        raise ValueError(f"{path}: expected a series of {_steps(rows)} rows, received {longest}")


def _floats(
    array: NDArray[Any], rows: Rows, where: Path | str, before: int = 0
) -> NDArray[np.float32]:
    """Return an array, of which so many items came before, as float32.

    Raises:
        ValueError: A number is infinite, or missing where none may be.
    """
    with np.errstate(over="ignore"):  # infinity, which is refused below
        floats = np.asarray(array, np.float32)
    wrong = np.isinf(floats) if rows.missing else ~np.isfinite(floats)
    if wrong.any():
        item = [int(each) for each in np.argwhere(wrong)[0]]
        received = array[tuple(item)]
        item[0] += before
        raise ValueError(f"{where}, item {item}: expected a finite number, received {received}")
    return floats


def _steps(rows: Rows) -> int:
    return rows.window.steps if rows.window else 1


def _numbers(start: int, count: int) -> Sequence[str]:
    return [str(start + number) for number in range(count)]
