"""PNG, JPEG and WebP files to photographs: opened first, to know their size, then decoded."""

import functools
import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from PIL import Image
from PIL.WebPImagePlugin import WebPImageFile

from service.errors import BodyTooLarge, MalformedBody, ServiceError, UnsupportedMediaType
from service.images import (
    exif,
    jpeg_decoder,
    jpeg_metadata,
    jpeg_segments,
    png_chunks,
    png_decoder,
    webp_header,
    xmp,
)
from service.images.formats import media_type_of
from service.images.photograph import JPEG, PNG, WEBP, Metadata, Photograph, Samples
from service.images.png_metadata import PngMetadata
from service.images.samples import samples_of, split

LARGEST_DPI = 1 << 16
"""A resolution of as many dots an inch is damaged: JFIF has 16 bits for it."""


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image file that is opened and not decoded.

    Attributes:
        media_type: Its format.
        size: (width, height) in pixels, as stored.
        mode: Pillow's mode of the stored pixels: L, RGB, RGBA, P and so on.
        samples: Returns pixels and alpha, made upright from an EXIF orientation, 1 to 8.
        exif: Returns its EXIF data.
        metadata: Returns all of its metadata, as they are stored.
    """

    media_type: str
    size: tuple[int, int]
    mode: str
    samples: Callable[[int], tuple[Samples, Samples | None]]
    exif: Callable[[], bytes | None]
    metadata: Callable[[], Metadata]

    @property
    def area(self) -> int:
        """The number of pixels."""
        return math.prod(self.size)


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
        image, frames = OPENERS[media_type](body)
    if frames > 1:
        raise UnsupportedMediaType(
            f"picture: expected one that does not move, received {frames} frames"
        )
    if max_pixels is not None and image.area > max_pixels:
        width, height = image.size
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


def _open_png(body: bytes | memoryview) -> tuple[EncodedImage, int]:
    chunks = png_chunks.scan(body)
    header, metadata = chunks.header, PngMetadata(chunks.ancillary)
    image = EncodedImage(
        PNG,
        (header.width, header.height),
        png_decoder.MODES[header.depth, header.colour_type][0],
        lambda orientation: png_decoder.samples(chunks, orientation),
        metadata.exif,
        metadata.metadata,
    )
    return image, chunks.frames


def _open_jpeg(body: bytes | memoryview) -> tuple[EncodedImage, int]:
    """Open the first picture of a JPEG file; behind it, a phone may have stored others."""
    segments = jpeg_segments.scan(body)

    def metadata() -> Metadata:
        return jpeg_metadata.metadata(segments.metadata, is_cmyk=segments.mode == "CMYK")

    image = EncodedImage(
        JPEG,
        segments.size,
        segments.mode,
        lambda orientation: split(jpeg_decoder.samples(segments, orientation)),
        lambda: jpeg_metadata.exif(segments.metadata),
        metadata,
    )
    return image, 1


def _open_webp(body: bytes | memoryview) -> tuple[EncodedImage, int]:
    header = webp_header.read(body)

    @functools.cache
    def picture() -> WebPImageFile:
        return WebPImageFile(io.BytesIO(body))

    def samples(orientation: int) -> tuple[Samples, Samples | None]:
        image = picture()
        if image.size != header.size:  # of which the memory was bounded
            raise MalformedBody("picture: expected the size of its header, received another")
        image.load()
        picture.cache_clear()  # frees the decoded image before the samples are used
        return split(samples_of(image, orientation))

    def metadata() -> Metadata:
        info = picture().info
        return Metadata(icc=info.get("icc_profile"), exif=info.get("exif"), xmp=info.get("xmp"))

    image = EncodedImage(
        WEBP,
        header.size,
        "RGBA" if header.has_alpha else "RGB",
        samples,
        lambda: picture().info.get("exif"),
        metadata,
    )
    return image, header.frames


OPENERS = {PNG: _open_png, JPEG: _open_jpeg, WEBP: _open_webp}
"""By media type: functions that return an image file and the number of its frames."""


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
