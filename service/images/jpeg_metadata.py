"""The metadata of a JPEG file, of which damaged parts are left out.

JFIF 1.02 (ITU-T T.871) for the density; EXIF 3.0, 4.7.2; ICC.1:2022, annex B.4; XMP part 3, 1.1.3.
"""

import struct
from collections.abc import Iterable, Sequence

from service.images.exif import dpi_of
from service.images.jpeg_segments import APP0, APP1, APP2, APP13, COM
from service.images.photograph import LARGEST_METADATA, Metadata
from service.images.photoshop import without_thumbnail

EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
ICC = b"ICC_PROFILE\0"
PHOTOSHOP = b"Photoshop 3.0\0"
PER_INCH, PER_CENTIMETRE = 1, 2
LARGEST = 65_533
"""Bytes of a segment's content."""

Segments = Sequence[tuple[int, bytes]]


def exif(segments: Segments) -> bytes | None:
    """Return EXIF data, which may fill several segments."""
    return b"".join(_contents(segments, APP1, EXIF)) or None


def profile(segments: Segments) -> bytes | None:
    """Return an ICC profile of numbered parts, None where there is none or a part is missing."""
    parts = sorted(part for part in _contents(segments, APP2, ICC) if len(part) > 2)
    if not parts or parts[0][1] != len(parts):
        return None
    return b"".join(part[2:] for part in parts)


def metadata(segments: Segments, *, is_cmyk: bool) -> Metadata:
    """Return all metadata as they are stored.

    Args:
        segments: Marker and content of the application and comment segments.
        is_cmyk: Whether the picture becomes sRGB, and its profile has no more use.
    """
    xmp = [*_contents(segments, APP1, XMP)]
    photoshop = b"".join(_contents(segments, APP13, PHOTOSHOP))
    found = exif(segments)
    own, room = b"", LARGEST_METADATA
    for marker, content in segments:
        is_own = marker == COM or (marker == APP13 and not content.startswith(PHOTOSHOP))
        if is_own and len(content) <= room:
            own += segment(marker, content)
            room -= len(content)
    return Metadata(
        icc=None if is_cmyk else profile(segments),
        exif=found,
        xmp=xmp[-1] if xmp else None,
        photoshop=without_thumbnail(photoshop),
        dpi=_dpi(segments) or (dpi_of(found) if found else None),
        own=own,
    )


def photoshop_segments(blocks: bytes) -> bytes:
    """Return Photoshop resource blocks as APP13 segments."""
    room = LARGEST - len(PHOTOSHOP)
    parts = (blocks[at : at + room] for at in range(0, len(blocks), room))
    return b"".join(segment(APP13, PHOTOSHOP + part) for part in parts)


def segment(marker: int, content: bytes) -> bytes:
    """Return a segment as it is stored (T.81, B.1.1.4)."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _contents(segments: Iterable[tuple[int, bytes]], marker: int, start: bytes) -> list[bytes]:
    return [
        content[len(start) :]
        for found, content in segments
        if found == marker and content.startswith(start)
    ]


def _dpi(segments: Segments) -> tuple[float, float] | None:
    for content in _contents(segments, APP0, b"JFIF\0"):
        if len(content) >= 7:
            unit, across, down = struct.unpack_from(">BHH", content, 2)
            if unit in (PER_INCH, PER_CENTIMETRE):
                factor = 2.54 if unit == PER_CENTIMETRE else 1.0
                return across * factor, down * factor
    return None
