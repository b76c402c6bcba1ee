"""Boxes of the ISO base media file format: what HEIF, AVIF and JPEG 2000 files are made of.

ISO/IEC 14496-12, section 4.2 (boxes), 8.11 (meta); ISO/IEC 23008-12, section 9 (properties of
items); ISO/IEC 15444-1, annex I, whose boxes are the same.
"""

import struct
from collections.abc import Iterator

from service.errors import MalformedBody

MAX_BOXES = 1 << 12
"""Boxes in one box, and properties of a file; those of phones have some hundreds."""

Box = tuple[bytes, memoryview]


def boxes(data: memoryview) -> Iterator[Box]:
    """Yield type and content of each box; the last one may be cut off.

    Raises:
        MalformedBody: There are more than MAX_BOXES, or one is smaller than its head.
    """
    at = 0
    for _ in range(MAX_BOXES):
        if at + 8 > len(data):
            return
        size, name = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:
            size = len(data) - at
        if size < head:
            raise MalformedBody(f"picture: expected boxes of 8 bytes at least, received {size}")
        yield name, data[at + head : at + size]
        at += size
    raise MalformedBody(f"picture: expected at most {MAX_BOXES} boxes, received more")


def first(data: memoryview, *path: bytes) -> memoryview | None:
    """Return the content of the first box that is at a path of types; None without one.

    A full box, as `meta` and `iprp` contain, is given as its content behind version and flags.
    """
    for name in path:
        found = next((content for each, content in boxes(data) if each == name), None)
        if found is None:
            return None
        data = found[4:] if name == b"meta" else found
    return data


def brands(head: bytes) -> tuple[bytes, ...]:
    """Return major and compatible brands of a file, none where it does not begin with `ftyp`."""
    if head[4:8] != b"ftyp" or len(head) < 12:
        return ()
    size = min(max(16, int.from_bytes(head[:4], "big")), len(head))
    return (head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4)))


def primary_properties(data: memoryview) -> list[Box]:
    """Return type and content of the properties of a file's primary item (23008-12, 9.3)."""
    meta = first(data, b"meta")
    if meta is None:
        return []
    primary, properties, associations = first(meta, b"pitm"), first(meta, b"iprp"), None
    if not primary or properties is None:
        return []
    wide = primary[0] != 0
    item = int.from_bytes(primary[4 : 8 if wide else 6], "big")
    container = first(properties, b"ipco")
    associations = first(properties, b"ipma")
    if container is None or associations is None:
        return []
    every = list(boxes(container))
    return [every[index - 1] for index in _associated(associations, item) if index <= len(every)]


def coded_pixels(data: memoryview) -> int:
    """Return the pixels of the largest item of a file (`ispe`): of a tile, of what is cropped."""
    meta = first(data, b"meta")
    properties = None if meta is None else first(meta, b"iprp", b"ipco")
    if properties is None:
        return 0
    extents = (each for name, each in boxes(properties) if name == b"ispe" and len(each) >= 12)
    sizes = (struct.unpack_from(">II", each, 4) for each in extents)
    return max((width * height for width, height in sizes), default=0)


def _associated(data: memoryview, item: int) -> list[int]:
    """Return the numbers, from 1, of the properties that `ipma` gives an item."""
    if len(data) < 8:
        return []
    version, flags = data[0], data[3]
    id_size, index_size = (4 if version else 2), (2 if flags & 1 else 1)
    count, at = int.from_bytes(data[4:8], "big"), 8
    for _ in range(min(count, MAX_BOXES)):
        if at + id_size + 1 > len(data):
            break
        found = int.from_bytes(data[at : at + id_size], "big")
        at += id_size
        size = data[at] * index_size
        at += 1
        if found == item:
            entries = bytes(data[at : at + size])
            mask = 0x7FFF if index_size == 2 else 0x7F
            indices = (
                int.from_bytes(entries[each : each + index_size], "big") & mask
                for each in range(0, len(entries) - index_size + 1, index_size)
            )
            return [index for index in indices if index]
        at += size
    return []
