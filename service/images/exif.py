"""EXIF orientation, and EXIF data as they apply to a picture that is made upright.

EXIF 3.0 (CIPA DC-008), section 4.6; TIFF 6.0, section 2, for headers and directories.
"""

import struct

UPRIGHT = 1
ORIENTATION, EXIF_DIRECTORY = 0x0112, 0x8769
BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
SIDES = ((0x0100, 0x0101), (0xA002, 0xA003))
"""Tags of width and height: ImageWidth, ImageLength; PixelXDimension, PixelYDimension."""
THUMBNAIL = (0x0201, 0x0202)
"""JPEGInterchangeFormat and JPEGInterchangeFormatLength: where a thumbnail is, and its bytes."""
RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x0128
RATIONAL, CENTIMETRES = 5, 3
"""The type of XResolution, and a value of ResolutionUnit."""
WHOLE = {3: "H", 4: "I"}
"""The types of widths and heights, SHORT and LONG, as struct formats."""
MAX_ENTRIES = 1 << 12
"""Entries of a directory; files have some dozens. One with more counts as empty."""
UNKNOWN_DPI = 72.0
"""What EXIF asks readers to assume where no resolution is stored."""


def made_upright(exif: bytes) -> tuple[int | None, bytes]:
    """Return the orientation, and the EXIF data of the picture made upright.

    The data keep their length and offsets, as maker notes may point into them: the orientation is
    set to 1, width and height are swapped where the sides are, and the thumbnail, which shows the
    picture as it was, is zeroed and unlinked.

    Args:
        exif: EXIF data from the TIFF header on; a truncated directory is read as far as it goes.

    Returns:
        The orientation, 1 to 8, or None where there is no valid one; and the data.

    Raises:
        ValueError: The data do not begin with a TIFF header.
    """
    if exif[:4] not in BYTE_ORDERS or len(exif) < 8:
        raise ValueError(f"EXIF: expected the header of a TIFF, received {exif[:8]!r}")
    order, upright, orientation = BYTE_ORDERS[exif[:4]], bytearray(exif), None
    (first,) = struct.unpack_from(f"{order}I", exif, 4)
    entries, end = _directory(exif, order, first)
    if ORIENTATION in entries:
        (value,) = struct.unpack_from(f"{order}H", exif, entries[ORIENTATION] + 8)
        orientation = value if 1 <= value <= 8 else None
    for tag, place in _table(exif, order, first)[0]:
        if tag == ORIENTATION:  # of several, readers take the first or the last
            struct.pack_into(f"{order}H", upright, place + 8, UPRIGHT)
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
            # A false offset must not erase the directory that stands before it.
            if end + 4 <= at and at + size <= len(exif):
                upright[at : at + size] = bytes(size)
        struct.pack_into(f"{order}I", upright, end, 0)
    return orientation, bytes(upright)


def resized(exif: bytes, width: int, height: int) -> bytes:
    """Return EXIF data with other widths and heights, in pixels, where they have some.

    Args:
        exif: From the TIFF header on; what is damaged stays as it is.
        width: Of the picture.
        height: Of the picture.
    """
    order = BYTE_ORDERS.get(exif[:4])
    if order is None or len(exif) < 8:
        return exif
    changed = bytearray(exif)
    entries, _ = _directory(exif, order, *struct.unpack_from(f"{order}I", exif, 4))
    if EXIF_DIRECTORY in entries:
        (start,) = struct.unpack_from(f"{order}I", exif, entries[EXIF_DIRECTORY] + 8)
        entries |= _directory(exif, order, start)[0]
    for tags in SIDES:
        for tag, side in zip(tags, (width, height), strict=True):
            if tag not in entries:
                continue
            (kind,) = struct.unpack_from(f"{order}H", exif, entries[tag] + 2)
            if (letter := WHOLE.get(kind)) and side < 1 << 8 * struct.calcsize(letter):
                struct.pack_into(f"{order}{letter}", changed, entries[tag] + 8, side)
    return bytes(changed)


def dpi_of(exif: bytes) -> tuple[float, float]:
    """Return the resolution in EXIF data, across and down alike; 72 where there is no valid one."""
    order = BYTE_ORDERS.get(exif[:4])
    if order is None or len(exif) < 8:
        return UNKNOWN_DPI, UNKNOWN_DPI
    entries, _ = _directory(exif, order, *struct.unpack_from(f"{order}I", exif, 4))
    try:
        kind, count, at = struct.unpack_from(f"{order}HII", exif, entries[RESOLUTION] + 2)
        (unit,) = struct.unpack_from(f"{order}H", exif, entries[RESOLUTION_UNIT] + 8)
        numerator, denominator = struct.unpack_from(f"{order}II", exif, at)
        dpi = numerator / denominator * (2.54 if unit == CENTIMETRES else 1.0)
    except (KeyError, struct.error, ZeroDivisionError):
        return UNKNOWN_DPI, UNKNOWN_DPI
    return (dpi, dpi) if (kind, count) == (RATIONAL, 1) else (UNKNOWN_DPI, UNKNOWN_DPI)


def _directory(exif: bytes, order: str, start: int) -> tuple[dict[int, int], int]:
    """Return the offset of each tag's entry, and that of the pointer to the next directory."""
    table, end = _table(exif, order, start)
    return dict(table), end


def _table(exif: bytes, order: str, start: int) -> tuple[list[tuple[int, int]], int]:
    """Return tag and offset of each entry of a directory, and what _directory() does."""
    if start + 2 > len(exif):
        return [], len(exif)
    (count,) = struct.unpack_from(f"{order}H", exif, start)
    if count > MAX_ENTRIES:
        return [], len(exif)
    places = range(start + 2, start + 2 + 12 * count, 12)
    whole = (place for place in places if place + 12 <= len(exif))
    table = [(struct.unpack_from(f"{order}H", exif, place)[0], place) for place in whole]
    return table, places.stop
