"""Which way up a photograph was taken, as EXIF and XMP tell it, and how it is made upright."""

import re
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

UPRIGHT = 1
ORIENTATION, EXIF_DIRECTORY = 0x0112, 0x8769
ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
SIDES = ((0x0100, 0x0101), (0xA002, 0xA003))
"""Tags of the width and of the height: of the picture, and of its pixels."""
THUMBNAIL = (0x0201, 0x0202)
"""Tags of where its JPEG begins, and of how long it is."""

_TOLD_IN_XMP = re.compile(rb"(tiff:Orientation(?:=[\"']|>))([1-8])")


def turned(exif: bytes) -> tuple[int | None, bytes]:
    """Return the orientation (1-8, None where it is not told) and the EXIF data made upright.

    The data is changed where it stands, as a camera maker's notes may point into it: the
    orientation is set to 1, width and height change places where the sides do, and the thumbnail,
    which would show the photograph as it was, is zeros that nothing points to. Raises ValueError
    for what does not begin as EXIF data do; of data that are cut off, what is there is read.
    """
    if exif[:4] not in ORDERS or len(exif) < 8:
        raise ValueError(f"EXIF: expected the header of a TIFF, received {exif[:8]!r}")
    order, upright, orientation = ORDERS[exif[:4]], bytearray(exif), None
    entries, end = _directory(exif, order, *struct.unpack_from(f"{order}I", exif, 4))
    if ORIENTATION in entries:
        (told,) = struct.unpack_from(f"{order}H", exif, entries[ORIENTATION] + 8)
        orientation = told if 1 <= told <= 8 else None
        struct.pack_into(f"{order}H", upright, entries[ORIENTATION] + 8, UPRIGHT)
    if orientation is not None and orientation > 4:
        if EXIF_DIRECTORY in entries:
            (start,) = struct.unpack_from(f"{order}I", exif, entries[EXIF_DIRECTORY] + 8)
            entries |= _directory(exif, order, start)[0]
        for tags in SIDES:
            if all(tag in entries for tag in tags):
                width, height = (slice(entries[tag] + 2, entries[tag] + 12) for tag in tags)
                upright[width], upright[height] = exif[height], exif[width]
    if end + 4 <= len(exif):
        (second,) = struct.unpack_from(f"{order}I", exif, end)
        found = _directory(exif, order, second)[0]
        if all(tag in found for tag in THUMBNAIL):
            at, size = (
                struct.unpack_from(f"{order}I", exif, found[tag] + 8)[0] for tag in THUMBNAIL
            )
            if end < at and at + size <= len(exif):  # not what stands before it
                upright[at : at + size] = bytes(size)
        struct.pack_into(f"{order}I", upright, end, 0)
    return orientation, bytes(upright)


def turned_packet(xmp: bytes) -> tuple[int | None, bytes]:
    """Return the orientation (1-8, None where it is not told) and the XMP packet made upright."""
    told = _TOLD_IN_XMP.search(xmp)
    return told and int(told[2]), _TOLD_IN_XMP.sub(rb"\g<1>1", xmp)


def as_stored(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return an upright picture (height, width, ...) as a view with the rows that its file has."""
    match orientation:
        case 2:
            return upright[:, ::-1]
        case 3:
            return upright[::-1, ::-1]
        case 4:
            return upright[::-1]
        case 5:
            return upright.swapaxes(0, 1)
        case 6:
            return np.rot90(upright, 1)
        case 7:
            return upright[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return np.rot90(upright, -1)
    return upright


def _directory(exif: bytes, order: str, start: int) -> tuple[dict[int, int], int]:
    """Return where the entry of each tag begins, and where the next directory's place is told."""
    if start + 2 > len(exif):
        return {}, len(exif)
    (count,) = struct.unpack_from(f"{order}H", exif, start)
    places = range(start + 2, start + 2 + 12 * count, 12)
    whole = (place for place in places if place + 12 <= len(exif))
    return {struct.unpack_from(f"{order}H", exif, place)[0]: place for place in whole}, places.stop
