"""Small files of every format that is read, of the picture that photograph_files.smooth() is."""

import base64
import io
import struct
from typing import Any

import numpy as np
import pillow_heif
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.service.photograph_files import encoded, smooth


def tiff(samples: NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples, metadata=None, **options)
    return stream.getvalue()


def heic(picture: Image.Image | None = None, **options: Any) -> bytes:
    stream = io.BytesIO()
    image = pillow_heif.from_pillow(picture or smooth())
    image.save(stream, quality=options.pop("quality", 95), chroma=444, **options)
    return stream.getvalue()


def deep_heic(samples: NDArray[np.uint16], bits: int = 10) -> bytes:
    """A HEIC of 10 or 12 bits."""
    height, width, bands = samples.shape
    mode = {3: "RGB;16", 4: "RGBA;16"}[bands]
    image = pillow_heif.from_bytes(mode, (width, height), samples.tobytes())
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    try:
        stream = io.BytesIO()
        image.save(stream, quality=95, chroma=444)
    finally:
        pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    return stream.getvalue()


def jxl(picture: Image.Image | None = None, **options: Any) -> bytes:
    from pillow_jxl import JpegXLImagePlugin  # the plugin registers what this names

    picture, stream = (picture or smooth()).copy(), io.BytesIO()
    picture.encoderinfo = options
    plugin: Any = JpegXLImagePlugin
    plugin._save(picture, stream, "")
    return stream.getvalue()


ANIMATION = base64.b64decode(
    "/wpBBAFYUFwSCAigAgAAjABLEsWCBVJgw8UYvFy8GHQXL8Zg3AFIGUrbgKwv/NgwhNn3AQgIoEIAAJAA"
    "SxLFggVSYMPFGLxejBdjvHgxXox3ANbm1DY4+ZJNoBgCTKsP"
)
"""A JPEG XL of two frames, 8 by 8, as cjxl makes it of a GIF."""


def dng(
    samples: NDArray[np.uint16],
    order: str = "<",
    shown: tuple[int, int, int, int] | None = None,
    photometric: int = 32803,
) -> bytes:
    """A DNG of a Bayer sensor, uncompressed, red at its upper left.

    Args:
        samples: What the sensor saw.
        order: The byte order.
        shown: (top, left, bottom, right) of what is no margin.
        photometric: A Bayer pattern, or 34892 for a sensor that sees no colours.
    """
    height, width = samples.shape
    entries: dict[int, tuple[int, int, bytes]] = {}

    def put(tag: int, kind: int, *values: int) -> None:
        letter = {1: "B", 3: "H", 4: "I", 5: "I", 10: "i"}[kind]
        count = len(values) // (2 if kind in (5, 10) else 1)
        entries[tag] = kind, count, struct.pack(f"{order}{len(values)}{letter}", *values)

    put(254, 4, 0)
    put(256, 4, width)
    put(257, 4, height)
    put(258, 3, 16)
    put(259, 3, 1)
    put(262, 3, photometric)
    entries[271] = 2, 5, b"Test\0"
    entries[272] = 2, 7, b"Sensor\0"
    put(273, 4, 0)
    put(274, 3, 1)
    put(277, 3, 1)
    put(278, 4, height)
    put(279, 4, samples.nbytes)
    put(33421, 3, 2, 2)
    put(33422, 1, 0, 1, 1, 2)
    put(50706, 1, 1, 4, 0, 0)
    put(50714, 4, 0)
    put(50717, 4, 65535)
    identity = [
        value for row in np.eye(3, dtype=int).tolist() for each in row for value in (each, 1)
    ]
    put(50721, 10, *identity)
    put(50728, 5, *[1, 1] * 3)
    put(50778, 3, 21)
    if shown:
        put(50829, 4, *shown)
    start = 8 + 2 + 12 * len(entries) + 4
    table, behind = struct.pack(f"{order}H", len(entries)), b""
    place = start + sum(len(data) + len(data) % 2 for _, _, data in entries.values())
    entries[273] = 4, 1, struct.pack(f"{order}I", place)
    for tag, (kind, count, data) in sorted(entries.items()):
        value = data
        if len(data) > 4:
            value = struct.pack(f"{order}I", start + len(behind))
            behind += data + bytes(len(data) % 2)
        table += struct.pack(f"{order}HHI", tag, kind, count) + value.ljust(4, b"\0")
    header = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    pixels = samples.astype(f"{order}u2").tobytes()
    return (header + table + bytes(4) + behind).ljust(place, b"\0") + pixels


def bayer(size: tuple[int, int] = (32, 48)) -> NDArray[np.uint16]:
    """What a sensor sees of a smooth gray scene."""
    rows = np.linspace(4000, 40000, size[0])[:, None]
    return np.broadcast_to(rows, size).astype(np.uint16)


def every() -> dict[str, bytes]:
    """A file of each format, by its name in SERVICE_FORMATS."""
    picture = smooth()
    return {
        "png": encoded(picture, "PNG"),
        "jpeg": encoded(picture, "JPEG", quality=95),
        "webp": encoded(picture, "WEBP", lossless=True),
        "tiff": encoded(picture, "TIFF", compression="tiff_lzw"),
        "avif": encoded(picture, "AVIF", quality=95, subsampling="4:4:4"),
        "heic": heic(picture),
        "bmp": encoded(picture, "BMP"),
        "gif": encoded(picture.quantize(256), "GIF"),
        "jp2": encoded(picture, "JPEG2000"),
        "jxl": jxl(picture, lossless=True),
        "raw": dng(bayer()),
    }
