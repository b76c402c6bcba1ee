"""Rows of tables and series, by the columns of a manifest."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from service.errors import InvalidValue
from service.inference.features import features
from service.inference.numeric_columns import Values
from service.inference.pixels import Floats
from service.rows import Rows
from training.datasets import table_files
from training.datasets.description import TABLES, files
from training.datasets.saved import Saved, is_saved
from training.indexing.piece import SIZE, Piece

ROW = re.compile(r"rows\[(\d+)\]")


@dataclass(frozen=True)
class Columns:
    """Columns that the model does not take.

    Args:
        key: What names a row; None for its number.
        label: Its class.
        series: Which series it is of.
    """

    key: str | None
    label: str | None
    series: str | None

    def names(self) -> list[str]:
        """Return those that there are."""
        return [name for name in (self.key, self.label, self.series) if name is not None]


@dataclass(frozen=True)
class Batch:
    """Some rows of a file.

    Args:
        file: The path in the folder of files; "" of a single file.
        start: The first row's number in the file, from 0.
        features: As the model takes them, (rows, features).
        ids: By which each row is found again.
        labels: The class of each row, None where it has none.
        series: The series of each row; that of all where no column tells.
    """

    file: str
    start: int
    features: Floats
    ids: Sequence[str]
    labels: Sequence[str | None]
    series: Sequence[str]


def batches(path: Path, rows: Rows, columns: Columns) -> Iterator[Batch]:
    """Yield the rows of files, one file after the other.

    Args:
        path: A CSV or Parquet file or a folder of them, or a data set of Hugging Face.
        rows: The columns that the model takes.
        columns: What else is read.

    Raises:
        OSError: There are no files.
        ValueError: A column or a value is missing or wrong; the message names file and row.
    """
    saved, start = is_saved(path), 0
    for file in Saved(path).files if saved else files(path, TABLES):
        name = file.name if path.is_dir() and not saved else ""
        for batch in _of_file(file, name, rows, columns, start if saved else 0):
            yield batch
            start = batch.start + len(batch.ids)


def pieces_of(batch: Batch) -> Iterator[Piece]:
    """Yield the rows of a batch as items."""
    for start in range(0, len(batch.ids), SIZE):
        part = slice(start, start + SIZE)
        yield Piece(batch.features[part], batch.ids[part], batch.labels[part])


def _of_file(path: Path, name: str, rows: Rows, columns: Columns, start: int) -> Iterator[Batch]:
    """Yield the rows of a file, whose numbers begin at a start."""
    types = _types(path, rows, columns)
    for batch in table_files.batches(path, types):
        try:
            found = features(_values(batch, rows), rows)
        except InvalidValue as error:
            raise ValueError(f"{path}: {_counted(str(error), start)}") from error
        yield Batch(
            name,
            start,
            found,
            _ids(batch, columns.key, path, name, start),
            batch.column(columns.label).to_pylist() if columns.label else [None] * len(found),
            [each or "" for each in batch.column(columns.series).to_pylist()]
            if columns.series
            else [name] * len(found),
        )
        start += batch.num_rows


def _counted(text: str, start: int) -> str:
    """Return a message whose rows are counted from the start of the file."""
    return ROW.sub(lambda row: f"rows[{int(row[1]) + start}]", text)


def _types(path: Path, rows: Rows, columns: Columns) -> dict[str, Any]:
    """Return the type to read each column as. Raises ValueError where one is missing."""
    import pyarrow as pa

    texts = [column.name for column in rows.columns if column.categories] + columns.names()
    wanted = {column.name: pa.float64() for column in rows.columns}
    wanted |= dict.fromkeys(texts, pa.string())
    there = table_files.types_of(path, texts)
    for name in wanted:
        if name not in there:
            raise ValueError(f"{path}: expected a column {name}, received {', '.join(there)}")
    return wanted


def _values(batch: Any, rows: Rows) -> dict[str, Values]:
    import pyarrow as pa

    def values(name: str) -> Values:
        column = batch.column(name)
        if pa.types.is_string(column.type):
            texts: Values = column.to_pylist()
            return texts
        return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)

    return {column.name: values(column.name) for column in rows.columns}


def _ids(batch: Any, key: str | None, path: Path, name: str, start: int) -> list[str]:
    if key is None:
        prefix = f"{name}#" if name else ""
        return [f"{prefix}{start + number}" for number in range(batch.num_rows)]
    ids: list[str | None] = batch.column(key).to_pylist()
    for number, each in enumerate(ids):
        if each is None:
            raise ValueError(f"{path}: rows[{start + number}].{key}: expected a key, received none")
    return [str(each) for each in ids]
