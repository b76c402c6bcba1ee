"""Rows with named columns in bodies: JSON, CSV (RFC 4180) and Parquet."""

import csv
import io
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from service.api.body import Body
from service.api.codecs import parquet
from service.api.codecs.json_errors import keys, no_json, shown
from service.api.media_types import CSV, JSON, PARQUET
from service.errors import BodyTooLarge, InvalidValue, MalformedBody
from service.inference.features import Series, Values, features, windows
from service.inference.pixels import Floats
from service.manifest import Dimension
from service.rows import Rows

LARGEST_JSON = 8 * 1024 * 1024
"""Bytes of rows in JSON: no other request gets the interpreter while they are parsed."""
PIECE = 4096
"""Lines of CSV that are turned into columns at a time."""
INPUTS = b'{"inputs"'
"""How JSON begins that has numbers without names."""

Check = Callable[[tuple[int, ...]], int]
"""Raises BodyTooLarge for an array of a shape that is beyond the limits."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Rows as a model takes them.

    Attributes:
        array: (rows, features), (windows, steps, features), or (1, rows, features).
        series: How they were cut into windows; None where they were not.
    """

    array: Floats
    series: Series | None


def are_rows(media: str, body: Body) -> bool:
    """Return whether a body of a media type has rows with named columns, or should have."""
    blank_free = bytes(body[:64]).translate(None, b" \t\r\n")
    return media in (CSV, PARQUET) or (media == JSON and not blank_free.startswith(INPUTS))


def read(body: Body, media: str, rows: Rows, shape: Sequence[Dimension], check: Check) -> Inputs:
    """Return the rows of a body.

    Args:
        body: The body.
        media: JSON, CSV or PARQUET.
        rows: The columns that the model takes.
        shape: That of its input, of two or three dimensions.
        check: Checks the size of what is read.

    Raises:
        MalformedBody: The body is not of its media type.
        InvalidValue: A column or a value is missing or wrong.
        ShapeMismatch: A series is shorter than a window.
        BodyTooLarge: The rows are beyond the limits.
        UnsupportedMediaType: What reads Parquet is not installed.
    """
    names = [column.name for column in rows.columns]
    if media == PARQUET:
        columns = parquet.read(body, rows, check)
    elif media == CSV:
        columns = _from_csv(body, names)
    else:
        columns = _from_json(body, names, may_miss=rows.missing)
    count = len(columns[names[0]])
    if not count:
        raise InvalidValue("rows: expected at least one, received none")
    check((count, rows.features))
    found = features(columns, rows)
    if len(shape) == 2:
        return Inputs(found, None)
    if rows.window is None:
        return Inputs(found[None], None)
    cut = max(0, count - rows.window.steps) // rows.window.stride + 1
    check((cut, rows.window.steps, rows.features))
    return Inputs(*windows(found, rows.window))


def _from_json(body: Body, names: Sequence[str], *, may_miss: bool) -> Mapping[str, Values]:
    if len(body) > LARGEST_JSON:
        raise BodyTooLarge(
            f"body: expected at most {LARGEST_JSON} bytes of rows in JSON, received {len(body)}; "
            f"as {CSV} or {PARQUET}, they may be as large as any body"
        )
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(f"body: expected JSON, received: {no_json(error)}") from error
    if not isinstance(document, dict) or set(document) != {"rows"}:
        received = keys(document) if isinstance(document, dict) else shown(document)
        raise InvalidValue(
            f'body: expected {{"rows": [{{...}}]}} or {{"inputs": [...]}}, received {received}'
        )
    rows = document["rows"]
    if not isinstance(rows, list):
        raise InvalidValue(f"rows: expected a list of objects, received {shown(rows)}")
    return columns_of(rows, names, may_miss=may_miss)


def columns_of(
    rows: Sequence[Any], names: Sequence[str], *, may_miss: bool, first: int = 0
) -> Mapping[str, Values]:
    """Return the values of each column of rows in JSON.

    Args:
        rows: What should be objects with these columns.
        names: Of the columns.
        may_miss: Whether a row may lack some.
        first: The number of the first row, where these are a part of more.

    Raises:
        InvalidValue: A row is none.
    """
    expected = set(names)
    for index, row in enumerate(rows, first):
        if not isinstance(row, dict):
            raise InvalidValue(f"rows[{index}]: expected an object, received {shown(row)}")
        if row.keys() != expected and (not may_miss or row.keys() - expected):
            raise InvalidValue(
                f"rows[{index}]: expected the columns {', '.join(names)}, received {keys(row)}"
                f"{_difference([] if may_miss else names, expected, row)}"
            )
    return {name: [row.get(name) for row in rows] for name in names}


def _difference(needed: Sequence[str], known: Collection[str], row: Mapping[str, Any]) -> str:
    """Return which columns a row lacks, and which it has too many."""
    lacks = [name for name in needed if name not in row]
    others = [name for name in row if name not in known]
    told = [
        f"{what} {', '.join(map(shown, these))[:200]}"
        for what, these in (("lacking", lacks), ("unknown:", others))
        if these
    ]
    return f" ({'; '.join(told)})"


def _from_csv(body: Body, names: Sequence[str]) -> Mapping[str, Values]:
    try:
        text = str(body, "utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"body: expected CSV in UTF-8, received: {error}") from error
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        places = _places(header, names)
        pieces = list(_pieces(_checked(lines, len(header)), places))
    except csv.Error as error:
        raise MalformedBody(
            f"body: expected CSV, received, in line {lines.line_num}: {error}"
        ) from error
    return {
        name: list(itertools.chain.from_iterable(piece[index] for piece in pieces))
        for index, name in enumerate(names)
    }


def _places(header: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return where each column is; others of a file are left out."""
    for name in names:
        if header.count(name) != 1:
            received = ", ".join(header)[:200] or "none"
            raise InvalidValue(
                f"columns: expected each of {', '.join(names)} once, in the first line, "
                f"received {received}"
            )
    return [header.index(name) for name in names]


def _checked(lines: Iterable[list[str]], cells: int) -> Iterator[list[str]]:
    row = 0
    for line in lines:
        if not line:  # a blank line
            continue
        if len(line) != cells:
            raise InvalidValue(
                f"rows[{row}]: expected {cells} cells, as in the first line, received {len(line)}"
            )
        yield line
        row += 1


def _pieces(lines: Iterator[list[str]], places: Sequence[int]) -> Iterator[list[list[str]]]:
    """Yield the cells of the columns at some places, of many lines at a time."""
    while piece := list(itertools.islice(lines, PIECE)):
        yield [[line[place].strip() for line in piece] for place in places]
