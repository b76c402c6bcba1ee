"""Rows in CSV (RFC 4180), in pieces of a millisecond or two each, between which others run."""

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from service.api.body import Body
from service.errors import InvalidValue, MalformedBody, first_of
from service.inference.numeric_columns import TOGETHER


def read(body: Body, names: Sequence[str]) -> Iterator[Mapping[str, list[str]]]:
    """Yield the cells of each column, of many rows at a time.

    Args:
        body: In UTF-8; the first line names the columns, of which others are left out.
        names: Of the columns.

    Raises:
        MalformedBody: The body is not CSV.
        InvalidValue: A column is missing or there twice, or a row has another number of cells.
    """
    text = io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline="")  # decodes a part at a time
    lines = csv.reader(text, strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        places = _places(header, names)
        rows = _checked(lines, len(header))
        while piece := list(itertools.islice(rows, max(1, TOGETHER // len(header)))):
            yield {
                name: [line[place].strip() for line in piece]
                for name, place in zip(names, places, strict=True)
            }
    except csv.Error as error:
        raise MalformedBody(
            f"body: expected CSV, received, in line {lines.line_num}: {error}"
        ) from error
    except UnicodeDecodeError as error:
        raise MalformedBody(
            f"body: expected CSV in UTF-8, received: {error.reason} in line {_line_of_fault(body)}"
        ) from error


def _line_of_fault(body: Body) -> int:
    """Return the line of the first byte that is no UTF-8: lines are decoded ahead of their rows."""
    try:
        str(body, "utf-8")
    except UnicodeDecodeError as error:
        return error.object.count(b"\n", 0, error.start) + 1
    raise AssertionError("UTF-8 after all")


def _places(header: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return where each column is; others of a file are left out."""
    counts, places = Counter(header), {name: place for place, name in enumerate(header)}
    for name in names:
        if counts[name] != 1:
            received = ", ".join(header)[:200] or "none"
            raise InvalidValue(
                f"columns: expected each of {first_of(names)} once, in the first line, "
                f"received {received}"
            )
    return [places[name] for name in names]


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
