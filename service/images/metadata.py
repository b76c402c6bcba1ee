"""What a file says besides its pixels."""

import struct

from PIL import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from service.images import png_metadata
from service.images.exif import UPRIGHT, turned, turned_packet
from service.images.photograph import PNG, Metadata

OWN_SEGMENTS = {"COM": b"\xff\xfe", "APP13": b"\xff\xed"}
"""A JPEG's comments and IPTC data."""
APPENDED = b"http://ns.google.com/photos/1.0/"
"""XMP that tells of a motion, a depth or a gain map after the first picture, which is not read."""


def metadata_of(
    picture: ImageFile.ImageFile, body: bytes | memoryview, media_type: str
) -> tuple[int, Metadata]:
    """Return the orientation (1-8), and the metadata as they are true of the picture made upright.

    Metadata that are broken spoil no pixel: they are left out.
    """
    info = png_metadata.info(body) if media_type == PNG else picture.info
    exif, xmp = info.get("exif"), info.get("xmp")
    told: int | None = None
    if exif is not None:
        try:
            told, exif = turned(exif.removeprefix(b"Exif\0\0"))
        except ValueError:
            exif = None
    if xmp is not None:
        told_there, xmp = turned_packet(xmp)
        told = told or told_there
    dpi = info.get("dpi")
    if dpi is not None:
        across, down = (float(value) for value in dpi)
        if told is not None and told > 4:
            across, down = down, across
        dpi = (across, down) if min(across, down) > 0 and max(across, down) < 1 << 16 else None
    return told or UPRIGHT, Metadata(
        # Of inks, it was of use to make colours of them.
        icc=info.get("icc_profile") if picture.mode != "CMYK" else None,
        exif=exif,
        xmp=None if xmp is None or APPENDED in xmp else xmp,
        dpi=dpi,
        own=png_metadata.own(body) if media_type == PNG else _segments(picture),
    )


def _segments(picture: ImageFile.ImageFile) -> bytes:
    if not isinstance(picture, JpegImageFile):
        return b""
    return b"".join(
        OWN_SEGMENTS[name] + struct.pack(">H", len(data) + 2) + data
        for name, data in picture.applist
        if name in OWN_SEGMENTS
    )
