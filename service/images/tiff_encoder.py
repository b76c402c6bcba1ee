"""TIFF files of 8 and 16 bits, in strips that are predicted and compressed by deflate.

TIFF 6.0, sections 8 and 14 (horizontal differencing); Adobe's TIFF Technical Notes for deflate. The
file begins with the EXIF data, byte for byte, so that every offset in them holds; its own directory
at the end refers to them.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Literal

import numpy as np

from service.errors import MalformedBody
from service.images.photograph import Metadata, Samples
from service.images.tiff_directory import Tiff
from service.images.tiff_metadata import DESCRIPTIVE, ICC, PHOTOSHOP, RESOLUTIONS, UNIT, XMP

STRIP = 1 << 18
"""Bytes of a strip, or one row."""
BYTE, SHORT, LONG, RATIONAL, UNDEFINED = 1, 3, 4, 5, 7
DEFLATE, HORIZONTAL, UNASSOCIATED, INCHES = 8, 2, 2, 2
DPI_SCALE = 1 << 12
"""The denominator of a resolution."""

Value = tuple[int, int, bytes]
"""Type, number and bytes of an entry's values."""


def encode(pixels: Samples, alpha: Samples | None, metadata: Metadata) -> bytes:
    """Return a TIFF file of the depth of the pixels.

    Args:
        pixels: (height, width) or (height, width, 3).
        alpha: (height, width) of the same type, or None.
        metadata: What else to store; the ICC profile is that of the pixels, None for sRGB.
    """
    exif = metadata.exif
    order: Literal["<", ">"] = ">" if exif and exif.startswith(b"MM") else "<"
    stream = io.BytesIO()
    stream.write(exif or b"II*\0\0\0\0\0")
    height, width = pixels.shape[:2]
    bands = (1 if pixels.ndim == 2 else 3) + (alpha is not None)
    rows = max(1, STRIP // (width * bands * pixels.itemsize))
    places, sizes = [], []
    for strip in _predicted(pixels, alpha, rows, order):
        compressed = _deflated(strip)
        places.append(stream.tell())
        sizes.append(len(compressed))
        stream.write(compressed)

    def shorts(*values: int) -> Value:
        return SHORT, len(values), struct.pack(f"{order}{len(values)}H", *values)

    def longs(*values: int) -> Value:
        return LONG, len(values), struct.pack(f"{order}{len(values)}I", *values)

    tags = {
        256: longs(width),
        257: longs(height),
        258: shorts(*[pixels.itemsize * 8] * bands),
        259: shorts(DEFLATE),
        262: shorts(1 if pixels.ndim == 2 else 2),
        273: longs(*places),
        277: shorts(bands),
        278: longs(rows),
        279: longs(*sizes),
        284: shorts(1),
        317: shorts(HORIZONTAL),
    }
    if alpha is not None:
        tags[338] = shorts(UNASSOCIATED)
    if metadata.dpi is not None:
        for tag, value in zip(RESOLUTIONS, metadata.dpi, strict=True):
            packed = struct.pack(f"{order}II", round(value * DPI_SCALE), DPI_SCALE)
            tags[tag] = RATIONAL, 1, packed
        tags[UNIT] = shorts(INCHES)
    for tag, kind, data in (
        (XMP, BYTE, metadata.xmp),
        (PHOTOSHOP, BYTE, metadata.photoshop),
        (ICC, UNDEFINED, metadata.icc),
    ):
        if data:
            tags[tag] = kind, len(data), data
    _finish(stream, tags, order, exif)
    return stream.getvalue()


def _predicted(
    pixels: Samples, alpha: Samples | None, rows: int, order: Literal["<", ">"]
) -> Iterator[Samples]:
    """Yield strips of samples, each less that to its left, in the byte order of the file."""
    height, width = pixels.shape[:2]
    colours = 1 if pixels.ndim == 2 else 3
    for top in range(0, height, rows):
        part = pixels[top : top + rows]
        strip = np.empty((len(part), width, colours + (alpha is not None)), pixels.dtype)
        strip[..., :colours] = part.reshape(*part.shape[:2], colours)
        if alpha is not None:
            strip[..., colours] = alpha[top : top + rows]
        strip[:, 1:] -= strip[:, :-1].copy()
        yield strip.astype(strip.dtype.newbyteorder(order), copy=False)


def _deflated(strip: Samples) -> bytes:
    deflate = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return deflate.compress(strip.data) + deflate.flush()


def _finish(stream: io.BytesIO, tags: dict[int, Value], order: str, exif: bytes | None) -> None:
    """Write the directory of a file, with what EXIF data say in theirs, and where it is."""
    given = {tag: entry for tag, entry in _described(exif, order) if tag not in tags}
    stream.write(bytes(stream.tell() % 2))
    for tag, (kind, count, data) in tags.items():
        value = data
        if len(data) > 4:
            value = struct.pack(f"{order}I", stream.tell())
            stream.write(data + bytes(len(data) % 2))
        given[tag] = struct.pack(f"{order}HHI", tag, kind, count) + value.ljust(4, b"\0")
    start = stream.tell()
    stream.write(struct.pack(f"{order}H", len(given)))
    stream.write(b"".join(entry for _, entry in sorted(given.items())) + bytes(4))
    stream.seek(4)
    stream.write(struct.pack(f"{order}I", start))


def _described(exif: bytes | None, order: str) -> Iterator[tuple[int, bytes]]:
    """Yield the entries of EXIF data that describe a photograph; damaged ones are left out.

    Args:
        exif: From the TIFF header on, which is at the beginning of the file that is written.
        order: Their byte order.
    """
    if not exif:
        return
    try:
        file = Tiff(exif)
        entries, _ = file.directory(file.start)
    except MalformedBody:
        return
    for tag, entry in entries.items():
        try:
            data = bytes(file.data(entry)) if tag in DESCRIPTIVE else None
        except MalformedBody:
            continue
        if data is not None:
            value = data if len(data) <= 4 else struct.pack(f"{order}I", entry.at)
            head = struct.pack(f"{order}HHI", tag, entry.kind, entry.count)
            yield tag, head + value.ljust(4, b"\0")
