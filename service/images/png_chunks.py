"""PNG files as chunks: what each of them is, and those that the pixels depend on."""

import bisect
import io
import itertools
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from service.errors import MalformedBody

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TRANSPARENT = {0: ">H", 2: ">HHH"}
"""By colour type, the one colour that is transparent; of a palette, each colour may be."""
ANCILLARY = 0x20
"""The bit of a name's first byte which says that a picture can be shown without the chunk."""
BUFFER = 1 << 16
"""Bytes that are read at a time."""
MOST = 1 << 17
"""Chunks of a file: with as many, those of 160 MB hold a kilobyte each."""
OF_PIXELS = (b"tRNS", b"acTL", b"fcTL", b"fdAT")
"""Ancillary chunks that a picture is another one without: transparent, or moving."""


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk as it stands in a file."""
    checksum = zlib.crc32(data, zlib.crc32(name))
    return b"".join([struct.pack(">I", len(data)), name, data, struct.pack(">I", checksum)])


def chunks(body: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the name and the data of each chunk of a file, as far as it goes.

    Raises MalformedBody for more of them than a picture is made of.
    """
    view, at, name = memoryview(body), len(SIGNATURE), b""
    for count in itertools.count():
        if at + 12 > len(view) or name == b"IEND":
            return
        if count == MOST:
            raise MalformedBody(f"picture: expected at most {MOST} chunks, received more")
        (length,) = struct.unpack_from(">I", view, at)
        name = bytes(view[at + 4 : at + 8])
        yield name, view[at + 8 : at + 8 + length]
        at += length + 12


def pixels_alone(body: bytes | memoryview) -> io.BufferedReader:
    """Return a file to read without the chunks that only tell of the picture, not copied.

    Some decoders refuse a picture for what is told of it.
    """
    view, parts = memoryview(body), []
    start = at = len(SIGNATURE)
    for name, data in chunks(view):
        end = at + 12 + len(data)
        if name[0] & ANCILLARY and name not in OF_PIXELS:
            if at > start:
                parts.append(view[start:at])
            start = end
        at = end
    return io.BufferedReader(_Joined([view[: len(SIGNATURE)], *parts, view[start:]]), BUFFER)


class _Joined(io.RawIOBase):
    """Parts of memory as one file."""

    def __init__(self, parts: Iterable[memoryview]) -> None:
        self._parts = [part for part in parts if len(part)]
        self._ends = list(itertools.accumulate(map(len, self._parts)))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence, self._ends[-1])
        return self._at

    def readinto(self, buffer: Any) -> int:
        which = bisect.bisect_right(self._ends, self._at)
        if which == len(self._ends):
            return 0
        left = self._ends[which] - self._at
        some = self._parts[which][-left:][: len(buffer)]
        buffer[: len(some)] = some
        self._at += len(some)
        return len(some)


@dataclass(frozen=True)
class Header:
    """The bits of a sample, the colour type, and the colour of 8 or 16 bits that is transparent."""

    depth: int
    colour_type: int
    transparent: tuple[int, ...] | None


def header(body: bytes | memoryview) -> Header:
    """Return what a file says of its samples; raises StopIteration or struct.error for no PNG."""
    found = chunks(body)
    _, data = next(found)
    depth, colour_type = struct.unpack_from("BB", data, 8)
    transparent = None
    if colour_type in TRANSPARENT:
        told = next((data for name, data in found if name == b"tRNS"), None)
        if told is not None:
            values = struct.unpack_from(TRANSPARENT[colour_type], told)
            widened = 255 // (2**depth - 1) if depth < 8 else 1
            transparent = tuple((value & (2**depth - 1)) * widened for value in values)
    return Header(depth, colour_type, transparent)
