"""Image files to photographs: recognised, opened to know their size, then decoded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from PIL import Image

from service.errors import (
    BodyTooLarge,
    MalformedBody,
    ServiceError,
    UnsupportedMediaType,
    is_shortage,
)
from service.images import exif, unread, xmp
from service.images.avif_decoder import open_avif
from service.images.bmp_decoder import open_bmp
from service.images.formats import (
    AVIF,
    BMP,
    BRANDS,
    BY_TYPE,
    FORMATS,
    GENERIC,
    GIF,
    HEIC,
    JP2,
    JPEG,
    JXL,
    PNG,
    RAW,
    READ_ALL,
    TIFF,
    WEBP,
    Policy,
    is_installed,
)
from service.images.gif_decoder import open_gif
from service.images.heif_decoder import open_heif
from service.images.isobmff import brands
from service.images.jp2_decoder import open_jp2
from service.images.jpeg_decoder import open_jpeg
from service.images.jxl_decoder import open_jxl
from service.images.photograph import LARGEST_METADATA, EncodedImage, Metadata, Photograph
from service.images.png_decoder import open_png
from service.images.raw_decoder import open_raw
from service.images.tiff_decoder import open_tiff
from service.images.tiff_directory import Tiff
from service.images.webp_decoder import open_webp

OPENERS: dict[str, Callable[[bytes | memoryview, Policy], EncodedImage]] = {
    PNG: open_png,
    JPEG: open_jpeg,
    WEBP: open_webp,
    TIFF: open_tiff,
    AVIF: open_avif,
    HEIC: open_heif,
    BMP: open_bmp,
    GIF: open_gif,
    JP2: open_jp2,
    JXL: open_jxl,
    RAW: open_raw,
}
STARTS = [(each.media_type, start) for each in FORMATS for start in each.starts]
HEAD = 64
"""Bytes that identify a format, but for a raw file that is a TIFF."""
TELLING = 2
"""Bytes that tell the format of a file that ends before its magic number does."""
BMP_HEADERS = {size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124)}
"""The sizes of the header that every version of BMP has behind the 14 bytes of the first."""
LARGEST_DPI = 1 << 16
"""A resolution of as many dots an inch is damaged: JFIF has 16 bits for it."""


def named(head: bytes) -> str | None:
    """Return the name of a format that is recognised, or None."""
    media_type = recognised(head)
    if media_type is not None:
        return BY_TYPE[media_type].label
    return unread.name_of(_masked(head))


def recognised(head: bytes) -> str | None:
    """Return which of READ a file is, whole or truncated, by its first bytes, or None."""
    head = _masked(head[:HEAD])
    for media_type, start in STARTS:
        if head.startswith(start):
            return media_type
    if head.startswith(b"BM") and head[14:18] in BMP_HEADERS:  # text may begin so, too
        return BMP
    begun = {media_type for media_type, start in STARTS if start.startswith(head)}
    if len(head) >= TELLING and len(begun) == 1:
        return begun.pop()
    found = brands(head)
    known = [BRANDS[brand] for brand in found if brand in BRANDS and brand not in GENERIC]
    return (*known, *(BRANDS[brand] for brand in found if brand in GENERIC), None)[0]


def media_type_of(body: bytes | memoryview) -> str:
    """Return which of READ a file is.

    Raises:
        UnsupportedMediaType: It is another format; the message lists those that are read.
        MalformedBody: It is empty.
    """
    head = bytes(body[:HEAD])
    if not head:
        raise MalformedBody("picture: expected a whole picture, received nothing")
    media_type = recognised(head)
    if media_type is None:
        raise unread.unknown(named(head), READ_ALL)
    if media_type == TIFF and len(body) > HEAD and Tiff(body).is_raw():
        return RAW
    return media_type


def _masked(head: bytes) -> bytes:
    """Return the first bytes of a file, with zeros for the length in a RIFF file."""
    if head.startswith(b"RIFF"):
        return head[:4] + bytes(len(head[4:8])) + head[8:]
    return head


def _check_read(media_type: str, policy: Policy) -> None:
    """Raise UnsupportedMediaType where a format is turned off, or what reads it is missing."""
    format_ = BY_TYPE[media_type]
    if format_.name not in policy.formats:
        raise unread.turned_off(format_, policy)
    if not is_installed(format_.name):
        raise unread.missing(format_, policy)


def open_image(
    body: bytes | memoryview, max_pixels: int | None = None, policy: Policy = READ_ALL
) -> EncodedImage:
    """Return an image file with its size; no pixel is decoded.

    Args:
        body: The file, which must not change before it is decoded.
        max_pixels: The most pixels that it may have, None for any number.
        policy: Which formats are read, and how strictly.

    Raises:
        UnsupportedMediaType: It is another format, or one that is not read here, or it is animated
            or has several pages.
        BodyTooLarge: It has more pixels.
        MalformedBody: It is not valid.
    """
    media_type = media_type_of(body)
    # These were read from the first version on, with what is always installed.
    if policy is not READ_ALL or BY_TYPE[media_type].libraries:
        _check_read(media_type, policy)
    with _malformed():
        image = OPENERS[media_type](body, policy)
    if image.frames > 1:
        raise UnsupportedMediaType(
            f"picture: expected one that does not move, received {image.frames} frames"
        )
    width, height = image.size
    if max_pixels is not None and max(width * height, image.decoded) > max_pixels:
        hidden = f" of {image.decoded} that are stored" if image.decoded > width * height else ""
        raise BodyTooLarge(
            f"picture: expected at most {max_pixels} pixels (SERVICE_MAX_PIXELS), "
            f"received {width}x{height}{hidden}"
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
        MalformedBody: It is damaged or truncated. Damaged or large metadata are left out instead.
    """
    with _malformed():
        stored = image.metadata() if with_metadata else Metadata(exif=image.exif())
        orientation, metadata = _made_upright(_bounded(stored), is_upright=image.is_upright)
        pixels, alpha = image.samples(orientation)
    if image.is_upright and metadata.exif:
        height, width = pixels.shape[:2]
        metadata = replace(metadata, exif=exif.resized(metadata.exif, width, height))
    warning = "; ".join(image.warnings) or None
    return Photograph(pixels, alpha, image.media_type, metadata, image.is_lossless, warning)


def read(body: bytes | memoryview, max_pixels: int, policy: Policy = READ_ALL) -> Photograph:
    """Return the photograph in a file; raises as open_image() and decode() do."""
    return decode(open_image(body, max_pixels, policy))


def _bounded(stored: Metadata) -> Metadata:
    """Return metadata without what is larger than LARGEST_METADATA."""

    def kept(data: bytes | None) -> bytes | None:
        return None if data is None or len(data) > LARGEST_METADATA else data

    return replace(
        stored,
        icc=kept(stored.icc),
        exif=kept(stored.exif),
        xmp=kept(stored.xmp),
        photoshop=kept(stored.photoshop),
    )


def _made_upright(stored: Metadata, *, is_upright: bool) -> tuple[int, Metadata]:
    """Return the orientation to apply, 1 to 8, and the metadata of the picture made upright.

    EXIF's orientation alone counts, as in browsers. XMP's is set to 1 where EXIF has one, and
    otherwise stays as it is. What is not valid is left out.

    Args:
        stored: The metadata as they are stored.
        is_upright: Whether the pixels are turned as the file says by other means than these.
    """
    data, orientation = stored.exif, None
    if data is not None:
        try:
            orientation, data = exif.made_upright(data.removeprefix(b"Exif\0\0"))
        except ValueError:
            data = None
    packet = stored.xmp and xmp.without_appended(stored.xmp)
    if is_upright:
        orientation = exif.UPRIGHT
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
    except ServiceError:
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit
        raise BodyTooLarge(f"picture: {error}") from error
    except Exception as error:  # Pillow's decoders fail in more ways than it documents
        if is_shortage(error) or (isinstance(error, OSError) and error.errno):
            raise  # the machine's fault
        raise MalformedBody(
            "picture: expected a whole picture, received a truncated or damaged one"
        ) from error
