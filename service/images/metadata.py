"""Metadata as they are stored to metadata of the picture made upright."""

from dataclasses import replace

from service.images import exif, xmp
from service.images.photograph import Metadata

LARGEST_DPI = 1 << 16


def made_upright(stored: Metadata) -> tuple[int, Metadata]:
    """Return the orientation, 1 to 8, and the metadata that apply to the upright picture.

    EXIF's orientation alone counts, as in browsers. XMP's is set to 1 where EXIF has one, and
    otherwise stays as it is. What is not valid is left out.

    Args:
        stored: The metadata of a file.
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


def orientation_of(data: bytes | None) -> int:
    """Return the orientation in EXIF data, 1 where there is no valid one."""
    return exif.UPRIGHT if data is None else made_upright(Metadata(exif=data))[0]
