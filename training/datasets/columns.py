"""Columns of tables become float32 features: numbers as they are, categories one-hot."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.datasets import table_files
from training.datasets.column_notes import notes_on_columns
from training.datasets.description import TABLES, Description, files
from training.datasets.ignored import note_of_ignored
from training.datasets.items import mapped
from training.datasets.saved import Saved, is_saved
from training.datasets.series import Series
from training.pixel_noise import Floats

MOST_CATEGORIES = 100
"""Values of a category: more are rather names or numbers of the rows."""
MOSTLY = 10
"""How many times as many values as those that are no numbers make a column one of numbers."""


@dataclass(frozen=True)
class Field:
    """A column that the model takes.

    Args:
        name: The column's name.
        categories: Its values in order; none of a number.
    """

    name: str
    categories: tuple[str, ...]

    @property
    def is_number(self) -> bool:
        """Whether it is one number, not a category."""
        return not self.categories


@dataclass(frozen=True)
class Table:
    """Rows of files, one file after the other.

    Args:
        features: float32 (rows, features), mapped from a file; NaN where a number is missing.
        fields: The columns of the features.
        lengths: Rows of each series, or of each file where no column names the series.
        labels: The class of each row, empty where it has none; None without a label.
        notes: What the user should know of how the files were read.
    """

    features: Floats
    fields: tuple[Field, ...]
    lengths: tuple[int, ...]
    labels: NDArray[np.str_] | None
    notes: tuple[str, ...]


def read(description: Description) -> Table:
    """Read the files of a table or of series.

    Args:
        description: Which files, and which of their columns.

    Raises:
        FileNotFoundError: There are none.
        ValueError: A column is missing, has no numbers or too many categories; a number is missing
            or infinite; a file is damaged.
    """
    path = Path(description.path)
    paths = Saved(path).files if is_saved(path) else files(path, TABLES)
    return _Reader(description, paths).read()


class _Reader:
    """Reads files twice: first their columns' types and values, then the features."""

    def __init__(self, description: Description, paths: Sequence[Path]) -> None:
        self._description = description
        self._paths = paths
        self._is_saved = paths[0].suffix.lower() == table_files.ARROW
        self._types = table_files.types_of(paths[0], description.categories)
        self._names, self._left_out = self._chosen()

    def read(self) -> Table:
        rows, values = self._survey()
        fields = tuple(Field(name, self._categories(name, values)) for name in self._names)
        width = sum(len(field.categories) or 1 for field in fields)
        features = mapped((rows, width), np.float32)
        labels: list[NDArray[Any]] = []
        series = Series()
        start = 0
        for path in self._paths:
            if not self._is_saved:
                series.end()
            begun = start
            for batch in self._batches(path):
                end = start + batch.num_rows
                features[start:end] = self._encoded(batch, fields, path, start - begun)
                if label := self._description.label:
                    labels.append(np.array(_texts(batch.column(label)), np.str_))
                if column := self._description.series:
                    series.extend(_texts(batch.column(column)), f"{path}, column {column}")
                else:
                    series.grow("", batch.num_rows, str(path))
                start = end
        return Table(
            features,
            fields,
            tuple(series.lengths),
            np.concatenate(labels) if labels else None,
            self._notes(fields),
        )

    def _chosen(self) -> tuple[tuple[str, ...], list[str]]:
        """Return the columns that the model takes, and those that are left out for their type."""
        import pyarrow as pa

        description = self._description
        wanted = (*description.columns, *description.categories)
        others = (description.key, description.label, description.series)
        for name in (*wanted, *others):
            if name is not None and name not in self._types:
                raise ValueError(
                    f"{self._paths[0]}: expected a column {name}, received {', '.join(self._types)}"
                )
            if name in description.columns and name in others:
                raise ValueError(
                    f"columns: expected none that is the key, the label or the series, received "
                    f"{name}"
                )
        # Without a name: the index that pandas writes, which only counts the rows.
        names = description.columns or tuple(
            name for name in self._types if name and name not in others
        )

        def is_usable(name: str) -> bool:
            kind = self._types[name]
            return bool(pa.types.is_floating(kind) or pa.types.is_string(kind))

        left_out = [name for name in names if not is_usable(name)]
        if description.columns and left_out:
            raise ValueError(
                f"{self._paths[0]}, column {left_out[0]}: expected numbers or text, received "
                f"{self._types[left_out[0]]}"
            )
        names = tuple(name for name in names if name not in left_out)
        if not names:
            raise ValueError(f"{self._paths[0]}: expected columns of numbers, received none")
        return names, left_out

    def _survey(self) -> tuple[int, dict[str, Counter[str]]]:
        """Return the number of rows, and the values of each category."""
        import pyarrow as pa

        texts = [name for name in self._names if pa.types.is_string(self._types[name])]
        values: dict[str, Counter[str]] = {name: Counter() for name in texts}
        rows = 0
        for path in self._paths:
            for batch in self._batches(path):
                for name in texts:
                    counted = batch.column(name).value_counts().to_pylist()
                    values[name].update({each["values"]: each["counts"] for each in counted})
                rows += batch.num_rows
        if not rows:
            raise ValueError(f"{self._description.path}: expected rows, received none")
        return rows, values

    def _categories(self, name: str, values: dict[str, Counter[str]]) -> tuple[str, ...]:
        if name not in values:
            return ()
        found = sorted(value for value in values[name] if value is not None)
        others = [value for value in found if not _is_number(value)]
        if name not in self._description.categories and 0 < len(others) < len(found) / MOSTLY:
            path, row = self._place(name, others[0])
            raise ValueError(
                f"{path}: rows[{row}].{name}: expected a number as in most other rows, "
                f"received {others[0]!r:.40}; named in categories, its values are features each"
            )
        if len(found) > MOST_CATEGORIES:
            raise ValueError(
                f"{self._description.path}, column {name}: expected numbers, or at most "
                f"{MOST_CATEGORIES} categories, received {len(found):,} texts such as "
                f"{found[0]!r:.40}; columns can leave it out"
            )
        return tuple(found)

    def _place(self, name: str, value: str) -> tuple[Path, int]:
        """Return the file and the row that first have a value in a column of texts."""
        rows = ((path, table_files.row_of(path, name, value)) for path in self._paths)
        return next((path, row) for path, row in rows if row >= 0)

    def _encoded(self, batch: Any, fields: Sequence[Field], path: Path, before: int) -> Floats:
        """Return the features of a batch, checked.

        Args:
            batch: The rows.
            fields: The columns.
            path: The file, for errors.
            before: Rows of the file before these.
        """
        parts = []
        for field in fields:
            column = batch.column(field.name)
            values = _numbers(column) if field.is_number else _one_hot(column, field.categories)
            infinite, missing = np.isinf(values[:, 0]), np.isnan(values[:, 0])
            if self._description.missing == "mask":
                missing[:] = False
            if (wrong := infinite | missing).any():
                row = int(np.argmax(wrong))
                kind = "a finite number" if field.is_number else "a category"
                received = f"{column[row].as_py():g}" if infinite[row] else "none"
                advice = "; --missing mask trains with it" if received == "none" else ""
                raise ValueError(
                    f"{path}, row {before + row}, column {field.name}: expected {kind}, "
                    f"received {received}{advice}"
                )
            parts.append(values)
        return np.concatenate(parts, axis=1)

    def _batches(self, path: Path) -> Iterator[Any]:
        needed = {*self._names, self._description.label, self._description.series} - {None}
        return table_files.batches(
            path, {name: self._types[name] for name in sorted(map(str, needed))}
        )

    def _notes(self, fields: Sequence[Field]) -> tuple[str, ...]:
        folder = Path(self._description.path)
        categories = {field.name: field.categories for field in fields if not field.is_number}
        return (
            *(() if self._is_saved else note_of_ignored(folder, TABLES, deep=False)),
            *notes_on_columns(self._types, self._left_out, categories),
        )


def _numbers(column: Any) -> Floats:
    """Return float32 (rows, 1), NaN where a number is missing."""
    with np.errstate(over="ignore"):  # infinity, which is refused
        values: Floats = column.to_numpy(zero_copy_only=False).astype(np.float32)[:, np.newaxis]
    return values


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _one_hot(column: Any, categories: Sequence[str]) -> Floats:
    """Return float32 (rows, categories), NaN where the value is missing."""
    import pyarrow as pa
    from pyarrow import compute

    indices = compute.index_in(column, pa.array(categories, pa.string())).to_numpy(
        zero_copy_only=False
    )
    encoded: Floats = (indices[:, np.newaxis] == np.arange(len(categories))).astype(np.float32)
    encoded[np.isnan(indices.astype(np.float64))] = np.nan
    return encoded


def _texts(column: Any) -> list[str]:
    """Return values as texts, empty where one is missing."""
    import pyarrow as pa

    return [each or "" for each in column.cast(pa.string()).to_pylist()]
