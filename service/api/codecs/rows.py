"""Rows with named columns in bodies: JSON, CSV and Parquet."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from service.api.body import Body
from service.api.codecs import csv_rows, json_rows, parquet
from service.api.media_types import CSV, JSON, PARQUET
from service.errors import InvalidValue
from service.inference.features import Series, features, windows
from service.inference.numeric_columns import Values
from service.inference.pixels import Floats
from service.manifest import Dimension
from service.rows import Rows

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
    pieces: Iterable[Mapping[str, Values]]
    if media == PARQUET:
        pieces = parquet.read(body, rows, check)
    elif media == CSV:
        pieces = csv_rows.read(body, names)
    else:
        pieces = json_rows.read(body, names, may_miss=rows.missing)
    found = _features(pieces, rows, check)
    if len(shape) == 2:
        return Inputs(found, None)
    if rows.window is None:
        return Inputs(found[None], None)
    cut = max(0, len(found) - rows.window.steps) // rows.window.stride + 1
    check((cut, rows.window.steps, rows.features))
    return Inputs(*windows(found, rows.window))


def _features(pieces: Iterable[Mapping[str, Values]], rows: Rows, check: Check) -> Floats:
    """Return rows as a model takes them, (rows, features), of their columns in pieces."""
    parts, count = [], 0
    for columns in pieces:
        more = len(columns[rows.columns[0].name])
        check((count + more, rows.features))
        parts.append(features(columns, rows, first=count))
        count += more
    if not count:
        raise InvalidValue("rows: expected at least one, received none")
    return np.concatenate(parts)
