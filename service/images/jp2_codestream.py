"""The main header of a JPEG 2000 codestream: sizes, components and losses, before any is decoded.

ISO/IEC 15444-1 (ITU-T T.800), annex A.
"""

import struct
from dataclasses import dataclass

from service.errors import MalformedBody

SIZ, COD, SOT = 0xFF51, 0xFF52, 0xFF90
MAX_SEGMENTS = 1 << 10
"""Marker segments of a main header."""
MAX_TILES = 1 << 12
"""Tiles of a picture, for each of which the decoder takes 6 KB."""
REVERSIBLE = 1
"""The transformation of COD that loses nothing (table A.20)."""


@dataclass(frozen=True, slots=True)
class Component:
    """A component: bits of a sample, whether they have a sign, and columns and rows of one."""

    bits: int
    is_signed: bool
    across: int
    down: int


@dataclass(frozen=True, slots=True)
class Header:
    """A main header: (width, height), the place of the upper left corner, components, losses."""

    size: tuple[int, int]
    origin: tuple[int, int]
    components: tuple[Component, ...]
    is_reversible: bool


def header_of(stream: memoryview) -> Header:
    """Return the main header of a codestream (A.5.1 and A.6.1).

    Raises:
        MalformedBody: It is damaged, or in more than MAX_TILES tiles.
    """
    found: dict[int, memoryview] = {}
    at = 2
    for _ in range(MAX_SEGMENTS):
        if at + 4 > len(stream):
            raise damaged()
        marker, length = struct.unpack_from(">HH", stream, at)
        if marker == SOT:
            break
        if length < 2:
            raise damaged()
        found.setdefault(marker, stream[at + 4 : at + 2 + length])
        at += 2 + length
    else:
        raise MalformedBody(f"picture: expected at most {MAX_SEGMENTS} segments, received more")
    siz = found.get(SIZ, memoryview(b""))
    if len(siz) < 39 or len(found.get(COD, b"")) < 10:
        raise damaged()
    _, right, below, left, above, *tile, count = struct.unpack_from(">HIIIIIIIIH", siz)
    tile_width, tile_height, tile_left, tile_above = tile
    if not (left < right and above < below and tile_width and tile_height):
        raise damaged()
    tiles = -(-(right - tile_left) // tile_width) * -(-(below - tile_above) // tile_height)
    if not 0 < tiles <= MAX_TILES:
        raise MalformedBody(f"picture: expected at most {MAX_TILES} tiles, received {tiles}")
    components = tuple(
        Component((bits & 0x7F) + 1, bool(bits >> 7), across, down)
        for bits, across, down in struct.iter_unpack("BBB", siz[36 : 36 + len(siz[36:]) // 3 * 3])
    )
    if len(components) != count:
        raise damaged()
    return Header(
        (right - left, below - above), (left, above), components, found[COD][9] == REVERSIBLE
    )


def damaged() -> MalformedBody:
    """Return the error of a file that is not whole, or not valid."""
    return MalformedBody("picture: expected a whole picture, received its start or a damaged one")
