"""Photographs to read and to write, and what is told of them in files."""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from service.images.formats import JPEG, PNG, WEBP
from service.images.photograph import Metadata, Photograph, Samples

KINDS = {PNG: "PNG", JPEG: "JPEG", WEBP: "WEBP"}
LIMIT = 1_000_000
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" '
    b'dc:rights="CC0"/></x:xmpmeta>'
)
UPRIGHT_XMP = XMP.replace(b'"6"', b'"1"')


def samples(bands: int, depth: int = 8, size: tuple[int, int] = (21, 13)) -> NDArray[Any]:
    """Samples of every value, whose rows and columns differ."""
    values = np.random.default_rng(bands).integers(0, 2**depth, (*size, bands))
    values.flat[:2] = 0, 2**depth - 1
    return values.astype(np.uint16 if depth == 16 else np.uint8)


def smooth(mode: str = "RGB", size: tuple[int, int] = (33, 20)) -> Image.Image:
    """A picture that JPEG hardly changes, with corners that differ."""
    across, down = np.meshgrid(np.linspace(20, 230, size[0]), np.linspace(0, 60, size[1]))
    colours = [across, 200 - across / 2 + down, 40 + 2 * down]
    picture = Image.fromarray(np.dstack(colours).round().astype(np.uint8))
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def opened(body: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(body))
    picture.load()
    return picture


def photograph(
    pixels: Samples, alpha: Samples | None = None, media_type: str = PNG, **metadata: Any
) -> Photograph:
    return Photograph(pixels, alpha, media_type, Metadata(**metadata))


def joined(found: Photograph) -> NDArray[Any]:
    """Pixels and alpha as bands."""
    return np.dstack([found.pixels] if found.alpha is None else [found.pixels, found.alpha])


def exif(order: str, orientation: int) -> bytes:
    """EXIF data with a maker, sizes here and in the Exif directory, a note and a thumbnail."""
    entries = {0: b"", 1: b"", 2: b""}

    def entry(directory: int, tag: int, kind: int, count: int, value: Any) -> None:
        packed = struct.pack(f"{order}{'H' if kind == 3 else 'I'}", value).ljust(4, b"\0")
        entries[directory] += struct.pack(f"{order}HHI", tag, kind, count) + packed

    data = {"maker": b"Maker of cameras\0", "note": bytes(range(40)), "thumbnail": b"\xff\xd8" * 9}
    places, at = {}, 8 + (2 + 6 * 12 + 4) + (2 + 3 * 12 + 4) + (2 + 2 * 12 + 4)
    for name, content in data.items():
        places[name], at = at, at + len(content)
    entry(0, 0x0100, 4, 1, 33)
    entry(0, 0x0101, 3, 1, 20)
    entry(0, 0x010F, 2, len(data["maker"]), places["maker"])
    entry(0, 0x0112, 3, 1, orientation)
    entry(0, 0x8769, 4, 1, 8 + 2 + 6 * 12 + 4)
    entry(0, 0x9C9B, 1, 2, 0)
    entry(1, 0x927C, 7, len(data["note"]), places["note"])
    entry(1, 0xA002, 4, 1, 33)
    entry(1, 0xA003, 4, 1, 20)
    entry(2, 0x0201, 4, 1, places["thumbnail"])
    entry(2, 0x0202, 4, 1, len(data["thumbnail"]))
    directories = b"".join(
        struct.pack(f"{order}H", len(found) // 12)
        + found
        + struct.pack(f"{order}I", 8 + 6 * 12 + 6 + 3 * 12 + 6 if directory == 0 else 0)
        for directory, found in entries.items()
    )
    header = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    return header + directories + b"".join(data.values())
