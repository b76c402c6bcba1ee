"""CSV files, without the blanks around names and cells, which the service leaves out, too."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from service.inference.numeric_columns import MISSING

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""Others than commas."""
LONGEST = 1 << 20
"""Bytes of a line of names that are looked at."""
_NO_NUMBER = re.compile(
    r"In CSV column #(\d+): .*CSV conversion error to double: .*'(.*)'", re.DOTALL
)


class NoNumber(ValueError):
    """A cell of a column of numbers holds something else.

    Attributes:
        column: Its name.
        value: The cell.
    """

    def __init__(self, column: str, value: str) -> None:
        """Create an error of a cell."""
        super().__init__(f"column {column}: expected a number, received {value!r:.40}")
        self.column = column
        self.value = value


def schema(path: Path) -> Any:
    """Return names and types of the columns: what the first megabyte has.

    Raises:
        ValueError: Something else than commas separates columns, or the text is not in UTF-8.
    """
    import pyarrow as pa
    from pyarrow import csv

    _check_names(path)
    with csv.open_csv(path, convert_options=_convert()) as reader:
        return pa.schema([field.with_name(field.name.strip()) for field in reader.schema])


def batches(path: Path, types: Mapping[str, Any]) -> Iterator[Any]:
    """Yield record batches of these columns, converted to these types.

    Raises:
        NoNumber: A cell of a column of float64 is none.
    """
    import pyarrow as pa
    from pyarrow import csv

    with csv.open_csv(path, convert_options=_convert()) as reader:
        names = reader.schema.names
    written = {name.strip(): name for name in names}
    named = {written.get(name, name): kind for name, kind in types.items()}
    try:
        with csv.open_csv(path, convert_options=_convert(named)) as reader:
            for batch in reader:
                columns = [_trimmed(batch.column(name)) for name in named]
                yield pa.RecordBatch.from_arrays(columns, list(types))
    except pa.ArrowInvalid as error:
        if found := _NO_NUMBER.search(str(error)):
            raise NoNumber(names[int(found[1])].strip(), found[2].strip()) from error
        raise


def _check_names(path: Path) -> None:
    """Raise ValueError where names of columns are no text, or not separated by commas."""
    with path.open("rb") as file:
        line = file.readline(LONGEST)
    names = line.decode("utf-8") if len(line) < LONGEST else ""  # or a character may be cut
    for mark, name in SEPARATORS.items():
        if mark in names and "," not in names:
            raise ValueError(f"{path}: expected columns separated by commas, received {name}")


def _convert(types: Mapping[str, Any] | None = None) -> Any:
    from pyarrow import csv

    return csv.ConvertOptions(
        column_types=types,
        include_columns=list(types) if types else None,
        null_values=[f"{blank}{each}" for blank in ("", " ") for each in MISSING],
        strings_can_be_null=True,
        true_values=[],
        false_values=[],
    )


def _trimmed(column: Any) -> Any:
    """Return a column, texts without the blanks around them."""
    import pyarrow as pa
    from pyarrow import compute

    if not pa.types.is_string(column.type):
        return column
    texts = compute.utf8_trim_whitespace(column)
    is_missing = compute.is_in(texts, pa.array(MISSING))
    return compute.if_else(is_missing, pa.scalar(None, pa.string()), texts)
