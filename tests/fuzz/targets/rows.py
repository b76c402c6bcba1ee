"""Rows with named columns in JSON, CSV, Parquet and lines, compared with Python's own readers."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from service.api.codecs import json_rows, ndjson
from service.api.codecs import rows as codec
from service.api.media_types import CSV, JSON, PARQUET
from service.errors import BodyTooLarge, InvalidValue, MalformedBody, ServiceError
from service.inference.features import features
from service.inference.numeric_columns import MISSING
from service.rows import Column, Rows
from tests.fuzz.target import Fault, Target

ROWS = Rows(
    columns=(
        Column(name="x", categories=(), scale=1.0),
        Column(name="c", categories=("a", "b"), scale=1.0),
    ),
    missing=True,
    window=None,
)
NAMES = [column.name for column in ROWS.columns]
MOST = 4096
"""Rows that are read: a few bytes of Parquet may claim billions."""
REFUSED = (InvalidValue, MalformedBody, BodyTooLarge)


def run(data: bytes) -> None:
    """The first byte is of which kind the rest is, and where lines are cut into pieces."""
    kind, body = data[:1], data[1:]
    if kind == b"l":
        _lines(body)
        return
    media = {b"j": JSON, b"c": CSV, b"p": PARQUET}.get(kind)
    if media is None:
        return
    try:
        found = codec.read(body, media, ROWS, ("batch", 3), _check).array
    except REFUSED:
        return
    if found.ndim != 2 or found.shape[1] != ROWS.features or found.dtype != np.float32:
        raise Fault(f"expected rows of {ROWS.features} features, received {found!r}")
    known = found[~np.isnan(found[:, 1]), 1:]
    if np.isinf(found).any() or not np.isin(known, (0, 1)).all():
        raise Fault(f"expected numbers and categories, received {found!r}")
    if media == JSON:
        _compare(found, json.loads(body)["rows"])
    elif media == CSV:
        _compare(found, _dictionaries(body))


def _check(shape: tuple[int, ...]) -> int:
    if shape[0] > MOST:
        raise BodyTooLarge("rows: expected fewer, received more")
    return math.prod(shape)


def _dictionaries(body: bytes) -> list[Mapping[str, str]]:
    lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    header = [name.strip() for name in next(lines)]
    return [dict(zip(header, map(str.strip, line), strict=True)) for line in lines if line]


def _compare(found: np.ndarray, rows: Iterable[Mapping[str, Any]]) -> None:
    expected = [[_number(row.get("x")), *_category(row.get("c"))] for row in rows]
    if not np.array_equal(found, np.array(expected, np.float32), equal_nan=True):
        raise Fault(f"expected {expected}, received {found!r}")


def _number(value: Any) -> float:
    return math.nan if value is None or value in MISSING else float(value)


def _category(value: Any) -> list[float]:
    return [math.nan] * 2 if value is None or value in MISSING else [value == "a", value == "b"]


def _lines(body: bytes) -> None:
    """Lines are the same however they are cut into pieces."""
    whole = _read([body])
    cut = len(body) // 2
    for pieces in ([body[:cut], body[cut:]], [body[at : at + 1] for at in range(len(body))]):
        if (found := _read(pieces)) != whole:
            raise Fault(f"expected {whole} in pieces too, received {found}")


def _read(pieces: Sequence[bytes]) -> str:
    """Return the rows before a fault, as text that NaN does not differ in, and its message."""
    values: list[Any] = []
    lines = ndjson.Lines()
    try:
        for piece in pieces:
            values.extend(lines.push(piece))
        values.extend(lines.end())
        features(json_rows.columns_of(values, NAMES, may_miss=True, first=0), ROWS)
    except ServiceError as error:
        return str(error)
    return repr(values)


def seeds() -> list[bytes]:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"x": [1.5, None], "c": ["a", "b"]}), stream := io.BytesIO())
    return [
        b'j{"rows":[{"x":1.5,"c":"a"},{"x":null,"c":"b"}]}',
        b'j{"rows":[{"c":"a"},{"x":"-3","c":"b"},{"x":18446744073709551616,"c":"a"}]}',
        b'j{"rows":[{"x":1e400,"c":1}]}',
        b'j{"rows":[[1]],"rows":{}}',
        b"cx,c\n1.5,a\n,b\nNaN, a\n",
        b'c\xef\xbb\xbf"c" , x,note\r\n"a",1e3,"x, ""y"""\r\n\r\nb,-0,\r\n',
        b"cx,x,c\n1,2,a",
        b'cx,c\n"1',
        b"p" + stream.getvalue(),
        b'l{"x":1,"c":"a"}\n\n{"x":2,"c":"b"}',
        b'l{"x":1,"c":"a"}\r\n[1]\n{"x"',
    ]


WORDS = (b'{"rows":[{', b'"x":', b'"c":"a"', b"}]}", b"null", b"NaN", b"1_0", b"PAR1", b"\n", b'"')
TARGET = Target(run, seeds, share=400, longest=1024, words=WORDS)
