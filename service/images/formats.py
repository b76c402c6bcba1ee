"""Files told by their first bytes, and opened without being decoded."""

import io

from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from service.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from service.images.photograph import JPEG, MEDIA_TYPES, PNG, WEBP
from service.images.png_chunks import SIGNATURE, pixels_alone

FILES: dict[str, type[ImageFile.ImageFile]] = {
    PNG: PngImageFile,
    JPEG: JpegImageFile,  # and so the first of the pictures that a phone puts into one file
    WEBP: WebPImageFile,
}
STARTS = {PNG: SIGNATURE, JPEG: b"\xff\xd8\xff", WEBP: b"RIFF\0\0\0\0WEBP"}
"""How files begin; the length that WebP has in its place is taken as read."""
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
"""Names of ISO base media files, by what stands after `ftyp`."""
HEAD = 12
"""Bytes that a file is told by."""


def named(head: bytes) -> str | None:
    """Return the name of a format that is not read, by a file's first bytes; None if unknown."""
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:HEAD])
    return next((name for start, name in OTHERS.items() if head.startswith(start)), None)


def media_type_of(body: bytes | memoryview) -> str:
    """Return the media type of a file, of MEDIA_TYPES.

    Raises UnsupportedMediaType, which names what is read, for another format; MalformedBody for
    a file that ends before it can be told.
    """
    head = bytes(body[:HEAD])
    if head.startswith(b"RIFF"):
        head = head[:4] + bytes(len(head[4:8])) + head[8:]
    for media_type, start in STARTS.items():
        if head.startswith(start):
            return media_type
    if any(start.startswith(head) for start in STARTS.values()):
        received = "its start" if head else "nothing"
        raise MalformedBody(f"picture: expected a whole picture, received {received}")
    raise UnsupportedMediaType(
        f"picture: expected {', '.join(MEDIA_TYPES)}, received {named(head) or 'another format'}"
    )


def opened(body: bytes | memoryview, media_type: str, max_pixels: int) -> ImageFile.ImageFile:
    """Return a file of the media type with its size, its mode and what it says, not yet decoded.

    What a PNG says is not read, as that must not keep it from being opened. Raises BodyTooLarge for
    more than max_pixels, UnsupportedMediaType for a picture that moves, and whatever Pillow raises
    for a file that it cannot read.
    """
    try:
        file = pixels_alone(body) if media_type == PNG else io.BytesIO(body)
        picture = FILES[media_type](file)
    except Image.DecompressionBombError as error:
        raise BodyTooLarge(f"picture: expected at most {max_pixels} pixels: {error}") from error
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        raise UnsupportedMediaType(
            f"picture: expected one that does not move, received {frames} frames"
        )
    if picture.width * picture.height > max_pixels:
        raise BodyTooLarge(
            f"picture: expected at most {max_pixels} pixels, "
            f"received {picture.width}x{picture.height}"
        )
    return picture
