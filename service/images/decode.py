"""PNG, JPEG and WebP files to photographs: recognised, opened to know their size, then decoded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from PIL import Image

from service.errors import BodyTooLarge, MalformedBody, ServiceError, UnsupportedMediaType
from service.images import exif, xmp
from service.images.jpeg_decoder import open_jpeg
from service.images.photograph import (
    JPEG,
    MEDIA_TYPES,
    PNG,
    WEBP,
    EncodedImage,
    Metadata,
    Photograph,
)
from service.images.png_decoder import open_png
from service.images.webp_decoder import open_webp

OPENERS = {PNG: open_png, JPEG: open_jpeg, WEBP: open_webp}
STARTS = {PNG: b"\x89PNG", JPEG: b"\xff\xd8", WEBP: b"RIFF\0\0\0\0WEBP"}
"""Magic numbers; the length in WebP's is masked with zeros."""
OTHERS = {
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
    b"8BPS": "a Photoshop document",
    b"%PDF": "PDF",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
}
BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF"}
"""ISO base media file format: names by the major brand that follows `ftyp`."""
HEAD = 12
"""Bytes that identify a format."""
LARGEST_DPI = 1 << 16
"""A resolution of as many dots an inch is damaged: JFIF has 16 bits for it."""


def named(head: bytes) -> str | None:
    """Return the name of a format that is recognised and not read, or None."""
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:HEAD])
    return next((name for start, name in OTHERS.items() if head.startswith(start)), None)


def recognised(head: bytes) -> str | None:
    """Return which of MEDIA_TYPES a file is, whole or truncated, by its first bytes, or None."""
    head = head[:HEAD]
    if head.startswith(b"RIFF"):
        head = head[:4] + bytes(len(head[4:8])) + head[8:]
    return next(
        (
            media_type
            for media_type, start in STARTS.items()
            if head.startswith(start) or (head and start.startswith(head))
        ),
        None,
    )


def media_type_of(body: bytes | memoryview) -> str:
    """Return which of MEDIA_TYPES a file is.

    Raises:
        UnsupportedMediaType: It is another format; the message lists those that are read.
        MalformedBody: It is empty.
    """
    head = bytes(body[:HEAD])
    if not head:
        raise MalformedBody("picture: expected a whole picture, received nothing")
    media_type = recognised(head)
    if media_type is None:
        raise UnsupportedMediaType(
            f"picture: expected {', '.join(MEDIA_TYPES)}, "
            f"received {named(head) or 'another format'}"
        )
    return media_type


def open_image(body: bytes | memoryview, max_pixels: int | None = None) -> EncodedImage:
    """Return an image file with its size; no pixel is decoded.

    Args:
        body: The file, which must not change before it is decoded.
        max_pixels: The most pixels that it may have, None for any number.

    Raises:
        UnsupportedMediaType: It is another format, or animated.
        BodyTooLarge: It has more pixels.
        MalformedBody: It is not valid.
    """
    media_type = media_type_of(body)
    with _malformed():
        image = OPENERS[media_type](body)
    if image.frames > 1:
        raise UnsupportedMediaType(
            f"picture: expected one that does not move, received {image.frames} frames"
        )
    width, height = image.size
    if max_pixels is not None and width * height > max_pixels:
        raise BodyTooLarge(
            f"picture: expected at most {max_pixels} pixels, received {width}x{height}"
        )
    return image


def decode(image: EncodedImage, *, with_metadata: bool = True) -> Photograph:
    """Return an image file as an upright photograph.

    A palette becomes RGB, CMYK becomes sRGB (by its ICC profile where it has one), 1 to 7 bits
    become 8, and 16 stay 16; a transparent colour becomes an alpha channel.

    Args:
        image: The file.
        with_metadata: Whether to read more of its metadata than EXIF.

    Raises:
        MalformedBody: It is damaged or truncated. Damaged metadata are left out instead.
    """
    with _malformed():
        stored = image.metadata() if with_metadata else Metadata(exif=image.exif())
        orientation, metadata = _made_upright(stored)
        pixels, alpha = image.samples(orientation)
    return Photograph(pixels, alpha, image.media_type, metadata)


def read(body: bytes | memoryview, max_pixels: int) -> Photograph:
    """Return the photograph in a file; raises as open_image() and decode() do."""
    return decode(open_image(body, max_pixels))


def _made_upright(stored: Metadata) -> tuple[int, Metadata]:
    """Return the orientation, 1 to 8, and the metadata of the picture made upright.

    EXIF's orientation alone counts, as in browsers. XMP's is set to 1 where EXIF has one, and
    otherwise stays as it is. What is not valid is left out.
    """
    data, orientation = stored.exif, None
    if data is not None:
        try:
            orientation, data = exif.made_upright(data.removeprefix(b"Exif\0\0"))
        except ValueError:
            data = None
    packet = stored.xmp and xmp.without_appended(stored.xmp)
    if packet and orientation is not None:
        packet = xmp.made_upright(packet)
    dpi = stored.dpi
    if dpi is not None:
        across, down = map(float, dpi)
        if orientation is not None and orientation > 4:
            across, down = down, across
        dpi = (across, down) if min(across, down) > 0 and max(across, down) < LARGEST_DPI else None
    return orientation or exif.UPRIGHT, replace(stored, exif=data, xmp=packet, dpi=dpi)


@contextmanager
def _malformed() -> Iterator[None]:
    try:
        yield
    except (ServiceError, MemoryError):
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit for WebP
        raise BodyTooLarge(f"picture: {error}") from error
    except Exception as error:  # Pillow's decoders fail in more ways than it documents
        raise MalformedBody(
            "picture: expected a whole picture, received a truncated or damaged one"
        ) from error
