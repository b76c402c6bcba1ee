"""Parquet bodies, a batch of rows at a time; they need the extra `parquet`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from service.api.body import Body
from service.errors import InvalidValue, MalformedBody, UnsupportedMediaType, first_of
from service.inference.numeric_columns import Values
from service.rows import Column, Rows

BATCH = 65_536
"""Rows that are decoded at a time."""


def read(
    body: Body, rows: Rows, check: Callable[[tuple[int, ...]], int]
) -> Iterator[Mapping[str, Values]]:
    """Yield the values of a model's columns, of many rows at a time; other columns are not read.

    Args:
        body: The file.
        rows: What the model takes.
        check: Raises BodyTooLarge for so many rows: a small file may claim any number.

    Raises:
        UnsupportedMediaType: pyarrow is not installed.
        MalformedBody: The body is not a Parquet file.
        InvalidValue: A column is missing, or of a type that the model does not take.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise UnsupportedMediaType(
            "body: expected another format, as the extra [parquet] is not installed, received "
            "Parquet"
        ) from error
    names = [column.name for column in rows.columns]
    texts = [column.name for column in rows.columns if column.categories]
    try:
        schema = parquet.read_schema(pa.BufferReader(body))
        _check_types(schema, rows)
        with parquet.ParquetFile(pa.BufferReader(body), read_dictionary=texts) as file:
            check((file.metadata.num_rows, rows.features))
            for batch in file.iter_batches(BATCH, columns=names, use_threads=False):
                yield {
                    column.name: _values(batch.column(column.name), column)
                    for column in rows.columns
                }
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise MalformedBody(f"body: expected a Parquet file, received: {error}") from error


def _check_types(schema: Any, rows: Rows) -> None:
    from pyarrow import types

    for column in rows.columns:
        if schema.names.count(column.name) != 1:
            raise InvalidValue(
                f"columns: expected each of {first_of([each.name for each in rows.columns])} once, "
                f"received {', '.join(schema.names)[:200] or 'none'}"
            )
        kind = schema.field(column.name).type
        is_text = types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind)
        is_number = types.is_integer(kind) or types.is_floating(kind)
        may_name = is_text or is_number or types.is_boolean(kind)
        fits = may_name if column.categories else is_number or types.is_decimal(kind)
        if not fits:
            expected = "texts, numbers or booleans" if column.categories else "numbers"
            raise InvalidValue(f"{column.name}: expected {expected}, received {kind}")


def _values(array: Any, column: Column) -> Values:
    from pyarrow import types

    if not column.categories:
        numbers: Values = array.to_numpy(zero_copy_only=False).astype(np.float64)
        return numbers
    if not types.is_dictionary(array.type):
        texts: Values = array.to_pylist()
        return texts
    # A long text may be there once for thousands of rows.
    known = np.array([*array.dictionary.to_pylist(), None], dtype=object)
    codes = array.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
    named: Values = known[codes]
    return named
