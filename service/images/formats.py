"""Recognise image formats by the first bytes of a file."""

from service.errors import MalformedBody, UnsupportedMediaType
from service.images.photograph import JPEG, MEDIA_TYPES, PNG, WEBP

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
