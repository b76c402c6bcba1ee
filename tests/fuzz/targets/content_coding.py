"""Bodies that are compressed: gzip, of several members too, and deflate, compared with zlib."""

import gzip
import zlib

from service.api.body import CODINGS, _decompressed
from service.errors import MalformedBody
from tests.fuzz.target import Fault, Target

NAMES = tuple(CODINGS)
MOST = 1 << 20
"""Bytes of which the content is looked at."""


def run(data: bytes) -> None:
    """The first byte names the coding."""
    coding, body = NAMES[(data[:1] or b"\0")[0] % len(NAMES)], data[1:]
    pieces, size = [], 0
    try:
        for piece in _decompressed(body, coding):
            pieces.append(piece)
            size += len(piece)
            if size > MOST:
                return
    except MalformedBody:
        return
    expected, rest = b"", body
    while rest or not expected:
        stream = zlib.decompressobj(CODINGS[coding])
        expected += stream.decompress(rest)
        rest = stream.unused_data
        if not rest:
            break
    if b"".join(pieces) != expected:
        raise Fault(f"expected {expected[:80]!r}, received {pieces}")


def seeds() -> list[bytes]:
    short, long = b'{"inputs":[1]}', bytes(1 << 16)
    return [
        b"\0" + gzip.compress(short, mtime=0),
        b"\0" + gzip.compress(short, mtime=0) + gzip.compress(long, mtime=0),
        b"\0" + gzip.compress(b"", mtime=0) * 3,
        b"\1" + zlib.compress(short),
        b"\1" + zlib.compress(long),
        b"\1" + zlib.compress(short)[:-2],
    ]


TARGET = Target(run, seeds, share=900, longest=512, words=(b"\x1f\x8b\x08\0", b"\x78\x9c"))
