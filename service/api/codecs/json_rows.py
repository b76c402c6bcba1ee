"""Rows in JSON, {"rows": [{...}]}: of a large body, in pieces of a millisecond or two each.

Between pieces, other requests get the interpreter.
"""

import operator
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import orjson

from service.api.body import Body
from service.api.codecs.json_errors import keys, no_json, shown
from service.api.codecs.json_pieces import PIECE, SPACE, end_of_items
from service.api.media_types import CSV, PARQUET
from service.errors import BodyTooLarge, InvalidValue, MalformedBody, first_of
from service.inference.numeric_columns import Values

LARGEST = 8 * 1024 * 1024
"""Bytes of a body: where it cannot be cut, no other request gets the interpreter meanwhile."""
OPENING = re.compile(SPACE.join((b"", rb"\{", b'"rows"', b":", rb"\[(?=[ \t\r\n]*\{)")))
BETWEEN = re.compile(rb"\}[ \t\r\n]*,(?=[ \t\r\n]*\{)")
"""What is between two rows. In a text, or within a row, it is in no piece that is JSON."""

Columns = Mapping[str, Values]


def read(body: Body, names: Sequence[str], *, may_miss: bool) -> Iterator[Columns]:
    """Yield the values of each column, of many rows at a time.

    Args:
        body: The body.
        names: Of the columns.
        may_miss: Whether a row may lack some.

    Raises:
        MalformedBody: The body is not JSON.
        InvalidValue: It has something else than rows, or a row is none.
        BodyTooLarge: It is too long.
    """
    if len(body) > LARGEST:
        raise BodyTooLarge(
            f"body: expected at most {LARGEST} bytes of rows in JSON, received {len(body)}; "
            f"as {CSV} or {PARQUET}, they may be as large as any body"
        )
    text, count = bytes(body), 0
    for piece, is_last in _pieces(text):
        try:
            rows = orjson.loads(b"[%b]" % piece)
        except orjson.JSONDecodeError:
            break  # cut in a wrong place, or no rows
        yield columns_of(rows, names, may_miss=may_miss, first=count)
        count += len(rows)
        if is_last:
            return
    yield columns_of(_whole(text)[count:], names, may_miss=may_miss, first=count)


def columns_of(rows: Sequence[Any], names: Sequence[str], *, may_miss: bool, first: int) -> Columns:
    """Return the values of each column of rows.

    Args:
        rows: What should be objects with these columns.
        names: Of the columns.
        may_miss: Whether a row may lack some.
        first: The number of the first row, where these are a part of more.

    Raises:
        InvalidValue: A row is none.
    """
    expected, are_whole = set(names), True
    for index, row in enumerate(rows, first):
        if not isinstance(row, dict):
            raise InvalidValue(f"rows[{index}]: expected an object, received {shown(row)}")
        if row.keys() != expected:
            are_whole = False
            if not may_miss or row.keys() - expected:
                raise InvalidValue(
                    f"rows[{index}]: expected the columns {first_of(names)}, received {keys(row)}"
                    f"{_difference([] if may_miss else names, expected, row)}"
                )
    if rows and are_whole and len(names) > 1:  # a third of the time
        values = zip(*map(operator.itemgetter(*names), rows), strict=True)
        return dict(zip(names, values, strict=True))
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


def _pieces(body: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield what is between the outer brackets, many rows at a time, and whether it is the last.

    There is none of a body that is short, or of which this cannot tell where the rows are.
    """
    opening, end = OPENING.match(body), end_of_items(body)
    if len(body) <= 2 * PIECE or not opening or end is None:
        return
    start = opening.end()
    while cut := BETWEEN.search(body, start + PIECE, end):
        yield body[start : cut.start() + 1], False
        start = cut.end()
    yield body[start:end], True


def _whole(body: bytes) -> list[Any]:
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
    return rows
