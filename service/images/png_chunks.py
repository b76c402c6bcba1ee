"""The chunks of a PNG file, scanned once.

PNG (third edition), https://www.w3.org/TR/png-3/, sections 5 (structure) and 11 (chunks).
"""

import struct
import zlib
from dataclasses import dataclass

from service.errors import MalformedBody

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ANCILLARY = 0x20
"""The bit of a chunk type's first byte that is set in chunks a decoder may ignore (5.4)."""
MAX_CHUNKS = 1 << 17
"""Chunks of a file: a file of 160 MB with as many has a kilobyte in each."""
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
"""Colour types (11.2.1)."""
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGB_ALPHA: 4}
DEPTHS = {
    GRAY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GRAY_ALPHA: (8, 16),
    RGB_ALPHA: (8, 16),
}
"""The bit depths that each colour type allows."""
TRANSPARENT_COLOUR = {GRAY: ">H", RGB: ">HHH"}
"""Layout of tRNS by colour type; in a palette, it is an alpha value for each entry (11.3.1.1)."""


@dataclass(frozen=True, slots=True)
class Header:
    """IHDR: the size in pixels, and the layout of the samples (PNG 11.2.1)."""

    width: int
    height: int
    depth: int
    colour_type: int
    is_interlaced: bool


@dataclass(frozen=True, slots=True)
class Chunks:
    """The chunks of a file.

    Attributes:
        header: IHDR.
        palette: PLTE, red, green and blue of each entry.
        transparency: tRNS.
        frames: Frames of an animated PNG (acTL), 1 without it.
        data: The zlib stream, in the parts that its IDAT chunks hold.
        ancillary: Type and data of all other ancillary chunks, unchecked, in their order.
    """

    header: Header
    palette: bytes | None
    transparency: bytes | None
    frames: int
    data: tuple[memoryview, ...]
    ancillary: tuple[tuple[bytes, memoryview], ...]


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk as it is stored: length, type, data, CRC (PNG 5.3)."""
    checksum = zlib.crc32(data, zlib.crc32(name))
    return b"".join([struct.pack(">I", len(data)), name, data, struct.pack(">I", checksum)])


def scan(body: bytes | memoryview) -> Chunks:
    """Return the chunks of a PNG file, without a copy of their data.

    A file may end anywhere behind its header: what is missing is found when pixels are decoded.

    Raises:
        MalformedBody: The signature or the header is wrong, a palette is missing or empty, a
            chunk on which pixels depend is damaged or in the wrong place, there is an unknown
            critical chunk, or there are more than MAX_CHUNKS.
    """
    view = memoryview(body)
    if view[: len(SIGNATURE)] != SIGNATURE:
        raise _malformed("the signature of a PNG", "another or a truncated one")
    header: Header | None = None
    critical: dict[bytes, bytes] = {}
    ancillary: list[tuple[bytes, memoryview]] = []
    data: list[memoryview] = []
    at, previous, frames = len(SIGNATURE), b"", 1
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(view):
            break
        (length,) = struct.unpack_from(">I", view, at)
        name, content = bytes(view[at + 4 : at + 8]), view[at + 8 : at + 8 + length]
        if header is None:
            header = _header(name, _checked(view, at, content))
        elif name == b"IEND" or (data and not name.isalpha()):
            break
        elif name == b"IDAT":
            if not data or previous == b"IDAT":  # the chunks of the stream are consecutive (5.6)
                data.append(content)
        elif name == b"tRNS" or not name[0] & ANCILLARY:
            if name not in (b"PLTE", b"tRNS"):
                raise _malformed("chunks of the PNG standard", f"the critical chunk {name!r}")
            if name == b"tRNS" and data:
                raise _malformed("tRNS before IDAT", "it after IDAT")
            if not data:
                critical.setdefault(name, _checked(view, at, content))
        elif name == b"acTL":
            if not data and len(content) == 8:
                (frames,) = struct.unpack_from(">I", content)
        elif name.isalpha():
            ancillary.append((name, content))
        else:
            raise _malformed("chunk types of four letters", repr(name))
        previous = name
        at += length + 12
    else:
        raise _malformed(f"at most {MAX_CHUNKS} chunks", "more")
    if header is None:
        raise _malformed("a whole picture", "its start")
    palette, transparency = critical.get(b"PLTE"), critical.get(b"tRNS")
    _check_colours(header, palette, transparency)
    return Chunks(header, palette, transparency, frames, tuple(data), tuple(ancillary))


def _malformed(expected: str, received: str) -> MalformedBody:
    return MalformedBody(f"picture: expected {expected}, received {received}")


def _checked(view: memoryview, at: int, content: memoryview) -> bytes:
    """Return the data of a chunk on which pixels depend, after a check of its CRC."""
    name, end = bytes(view[at + 4 : at + 8]), at + 8 + len(content)
    if view[end : end + 4] != struct.pack(">I", zlib.crc32(content, zlib.crc32(name))):
        raise _malformed(f"a whole {name!r} chunk", "a damaged one")
    return bytes(content)


def _header(name: bytes, content: bytes) -> Header:
    if name != b"IHDR" or len(content) != 13:
        raise _malformed("IHDR of 13 bytes first", f"{name!r} of {len(content)} bytes")
    width, height, depth, colour_type, *methods = struct.unpack(">IIBBBBB", content)
    if not 0 < width < 1 << 31 or not 0 < height < 1 << 31:
        raise _malformed("a width and a height from 1 to 2147483647", f"{width}x{height}")
    if depth not in DEPTHS.get(colour_type, ()):
        raise _malformed(
            "a bit depth that the colour type allows", f"{depth} of type {colour_type}"
        )
    if methods[:2] != [0, 0] or methods[2] > 1:
        raise _malformed("compression and filter method 0 and interlace 0 or 1", f"{methods}")
    return Header(width, height, depth, colour_type, methods[2] == 1)


def _check_colours(header: Header, palette: bytes | None, transparency: bytes | None) -> None:
    if header.colour_type == PALETTE and (
        not palette or len(palette) % 3 or len(palette) > 3 * 256
    ):
        received = "none" if palette is None else f"{len(palette)} bytes"
        raise _malformed("a palette of 1 to 256 colours", received)
    layout = TRANSPARENT_COLOUR.get(header.colour_type)
    if layout and transparency is not None and len(transparency) != struct.calcsize(layout):
        raise _malformed(f"tRNS of {struct.calcsize(layout)} bytes", f"{len(transparency)} bytes")
