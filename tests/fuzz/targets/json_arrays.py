"""JSON arrays, compared with Python's own parser: as a whole, on the event loop, and in pieces."""

import json
from collections.abc import Callable
from unittest.mock import patch

import numpy as np

from service.api.codecs import json as codec
from service.api.codecs import json_pieces
from service.errors import InvalidValue, MalformedBody, ShapeMismatch
from service.inference.pixels import Floats
from tests.fuzz.target import Fault, Target

PIECE = 32
"""Bytes of a piece, so that short inputs have several."""
REFUSED = (InvalidValue, MalformedBody, ShapeMismatch)


def run(data: bytes) -> None:
    whole = _outcome(json_pieces.decode, data)
    with patch.object(json_pieces, "PIECE", PIECE):
        pieces = _outcome(json_pieces.decode, data)
    now = codec.decode_now(data)
    if whole is not None:
        expected = np.array(json.loads(data)["inputs"], np.float32)
        _check(whole, expected)
    if now is not None and (whole is not None or len(now)):
        _check(now, whole)
    if pieces is not None:
        _check(pieces, whole)
    elif whole is not None and whole.size:  # items without numbers are refused in large bodies
        raise Fault(f"expected {whole!r} in pieces too, received a refusal")


def _outcome(decode: Callable[[bytes], Floats], data: bytes) -> Floats | None:
    try:
        return decode(data)
    except REFUSED:
        return None


def _check(array: Floats, expected: Floats | None) -> None:
    if expected is None or array.shape != expected.shape or array.dtype != np.float32:
        raise Fault(f"expected {expected!r}, received {array!r}")
    if not np.isfinite(array).all() or not np.allclose(array, expected, rtol=1e-6, atol=0):
        raise Fault(f"expected {expected!r}, received {array!r}")


def seeds() -> list[bytes]:
    return [
        b'{"inputs":[[[0,0.5],[1.0,-1e-3]]]}',
        b' { "inputs" : [ [ 1 , 2 ] , [ 3 , 4 ] ] }\n',
        b'{"inputs":[1e39]}',
        b'{"inputs":[[1],[2,3]]}',
        b'{"inputs":[true,null,"1",{}]}',
        b'{"inputs":[],"inputs":[1]}',
        b'{"inputs":[18446744073709551616,-0,1E+2]}',
        b'{"inputs":' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"inputs":[' + b"[0.25,-3],\n" * 12 + b"[7,8]]}",
        b'{"\\u0069nputs":[1]}',
        b'\v{"inputs":[[0.5,1.5]' + b",[1,2]" * 12 + b"]}",
        b'{"inputs":[[0.5,1.5]' + b",[1,2]" * 12 + b"]\v}",
        b'{"inputs":[[0.5,1.5]' + b" " * 70 + b"]" + b"\t" * 70 + b"}" + b"\n" * 70,
        b'\xef\xbb\xbf{"inputs":[NaN]}',
    ]


WORDS = (b'{"inputs":[', b"]}", b"],[", b"1e-45", b"3.4028236e38", b"null", b"true", b"\\u0000")
TARGET = Target(run, seeds, share=500, longest=512, words=WORDS)
