"""TIFF files whose samples have planes of their own: each plane to a file of one gray page.

TIFF 6.0, section 8 (PlanarConfiguration). libtiff gives Pillow only the high bytes of all planes at
once, and of alpha beside gray nothing.
"""

import struct
from collections.abc import Iterator

from service.images.tiff_directory import (
    BITS,
    COMPRESSION,
    HEIGHT,
    PHOTOMETRIC,
    WIDTH,
    Entries,
    Tiff,
)
from service.images.tiff_layout import (
    GRAY,
    PREDICTOR,
    ROWS,
    STRIP_BYTES,
    STRIPS,
    TILE_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    TILES,
    Layout,
    unread,
)

LONG = 4
"""The type of every value that is written."""


def planes(file: Tiff, entries: Entries, layout: Layout) -> Iterator[tuple[bytes, int]]:
    """Yield a file for each band, and where its directory begins.

    Raises:
        UnsupportedMediaType: It is a BigTIFF, or some planes lack their strips or tiles.
        MalformedBody: The directory is damaged.
    """
    where, sizes = (TILES, TILE_BYTES) if TILES in entries else (STRIPS, STRIP_BYTES)
    stored = {tag: file.numbers(entries.get(tag)) for tag in (where, sizes)}
    each = len(stored[where]) // layout.bands
    if file.is_big or not each or len(stored[sizes]) < each * layout.bands:
        raise unread("such planes in a BigTIFF, or damaged ones")
    shared: dict[int, tuple[int, ...]] = {
        WIDTH: layout.size[:1],
        HEIGHT: layout.size[1:],
        BITS: (layout.bits,),
        COMPRESSION: (layout.compression,),
        PHOTOMETRIC: (GRAY,),
    }
    shared |= {
        tag: file.numbers(entries[tag])
        for tag in (ROWS, TILE_WIDTH, TILE_HEIGHT, PREDICTOR)
        if tag in entries
    }
    for band in range(layout.bands):
        part = slice(band * each, (band + 1) * each)
        tags = shared | {tag: numbers[part] for tag, numbers in stored.items()}
        start = len(file.body) + len(file.body) % 2
        table = _directory(file.order, tags, start)
        yield b"".join([file.body, bytes(len(file.body) % 2), table]), start


def _directory(order: str, tags: dict[int, tuple[int, ...]], start: int) -> bytes:
    """Return a directory, with its values behind it.

    Args:
        order: Its byte order, "<" or ">".
        tags: Whole numbers by tag.
        start: The offset at which it will be.
    """
    at = start + 6 + 12 * len(tags)
    table, behind = struct.pack(f"{order}H", len(tags)), b""
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            place, behind = at + len(behind), behind + packed
            packed = struct.pack(f"{order}I", place)
        table += struct.pack(f"{order}HHI", tag, LONG, len(values)) + packed
    return table + bytes(4) + behind
