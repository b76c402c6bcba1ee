"""CSV, Parquet and Arrow files: the types of their columns, and their rows batch by batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.datasets import csv_files
from training.datasets.saved import Saved, named

ARROW = ".arrow"
"""Of the files of a data set of Hugging Face."""


def types_of(path: Path, categories: Sequence[str]) -> dict[str, Any]:
    """Return the type of each column: float64 of numbers, string of categories, or another.

    The types of a CSV file are those of its first megabyte.

    Raises:
        ValueError: The file is no table, or two columns have the same name.
    """
    with _named(path):
        return _types(path, categories)


def _types(path: Path, categories: Sequence[str]) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow import parquet

    if path.suffix.lower() == ARROW:
        with pa.memory_map(str(path)) as file:
            schema = pa.ipc.open_stream(file).schema
    elif path.suffix.lower() == ".parquet":
        schema = parquet.read_schema(path)
    else:
        schema = csv_files.schema(path)
    if len(set(schema.names)) < len(schema.names):
        raise ValueError(f"{path}: expected each column once, received {', '.join(schema.names)}")

    def kind(name: str, found: Any) -> Any:
        types = pa.types
        if name in categories or types.is_boolean(found) or types.is_large_string(found):
            return pa.string()
        if types.is_dictionary(found) and types.is_string(found.value_type):
            return pa.string()
        is_number = types.is_integer(found) or types.is_floating(found) or types.is_decimal(found)
        return pa.float64() if is_number or types.is_null(found) else found

    classes = Saved(path.parent).classes if path.suffix.lower() == ARROW else {}
    return {
        field.name: pa.string() if field.name in classes else kind(field.name, field.type)
        for field in schema
    }


def batches(path: Path, types: dict[str, Any]) -> Iterator[Any]:
    """Yield record batches of these columns, converted to these types.

    Raises:
        ValueError: The file is no table, or a column is missing or of another type.
    """
    with _named(path):
        yield from _batches(path, types)


def row_of(path: Path, name: str, value: str) -> int:
    """Return the first row of a file, from 0, whose column of texts has a value; -1 for none."""
    import pyarrow as pa
    from pyarrow import compute

    before = 0
    for batch in batches(path, {name: pa.string()}):
        row = compute.index(batch.column(0), pa.scalar(value)).as_py()
        if row >= 0:
            return before + int(row)
        before += batch.num_rows
    return -1


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name a file in the error of a block that cannot read it."""
    import pyarrow as pa

    try:
        yield
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8, received: {error}") from error
    except csv_files.NoNumber as error:
        row = row_of(path, error.column, error.value)
        raise ValueError(
            f"{path}: rows[{row}].{error.column}: expected a number, received {error.value!r:.40}"
        ) from error
    except pa.ArrowException as error:
        raise ValueError(f"{path}: expected a table, received: {error}") from error


def _batches(path: Path, types: dict[str, Any]) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import parquet

    if path.suffix.lower() == ARROW:
        names = Saved(path.parent).classes
        with pa.memory_map(str(path)) as file:
            for batch in pa.ipc.open_stream(file):
                columns = [
                    named(batch.column(name), names[name])
                    if name in names
                    else batch.column(name).cast(kind, safe=False)
                    for name, kind in types.items()
                ]
                yield pa.RecordBatch.from_arrays(columns, list(types))
    elif path.suffix.lower() == ".parquet":
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=list(types)):
                yield pa.RecordBatch.from_arrays(
                    [batch.column(name).cast(kind, safe=False) for name, kind in types.items()],
                    list(types),
                )
    else:
        yield from csv_files.batches(path, types)
