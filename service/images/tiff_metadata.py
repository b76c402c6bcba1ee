"""The metadata of a TIFF file, of which damaged parts are left out.

TIFF 6.0; EXIF 3.0, 4.6 (directories); XMP part 3, 3.2.2; ICC.1:2022, annex B.3.
"""

import struct

from service.errors import MalformedBody
from service.images.photograph import LARGEST_METADATA, Metadata
from service.images.photoshop import block, has_iptc, without_thumbnail
from service.images.tiff_directory import SIZES, Entries, Entry, Tiff

ORIENTATION, RESOLUTIONS, UNIT = 274, (282, 283), 296
XMP, IPTC, PHOTOSHOP, ICC = 700, 33723, 34377, 34675
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
DESCRIPTIVE = {270, 271, 272, 274, 282, 283, 296, 305, 306, 315, 316, 18246, 33432, EXIF, GPS}
DESCRIPTIVE |= {*range(40091, 40096)}
"""Tags of the first directory that say nothing of how pixels are stored: ImageDescription, Make,
Model, orientation, resolution, Software, DateTime, Artist, HostComputer, rating, Copyright, and
those of Windows. Others may hold the picture once more, as Photoshop's layers do."""
POINTERS = {EXIF, GPS, INTEROPERABILITY}
PER_CENTIMETRE = 3
LAST_KIND = 13
"""The last type of values that a TIFF has, BigTIFF aside."""
DEEPEST = 2
"""Directories within one another: of the file, EXIF, interoperability."""


def exif_of(file: Tiff, entries: Entries, orientation: int) -> bytes | None:
    """Return EXIF data as other formats hold them: the directories that describe the photograph.

    Values move, so that offsets within a maker note no longer hold.

    Args:
        file: The file.
        entries: Its first directory.
        orientation: That of the file, which is not a valid EXIF value where it is above 8.

    Returns:
        EXIF data from the TIFF header on, None where there are none and the picture is upright.
    """
    kept = {tag: entry for tag, entry in entries.items() if tag in DESCRIPTIVE}
    if not kept.keys() - {*RESOLUTIONS, UNIT, ORIENTATION} and orientation == 1:
        return None
    header = struct.pack(f"{file.order}2sHI", b"II" if file.order == "<" else b"MM", 42, 8)
    return header + _Moved(file).directory(kept, len(header))


def metadata_of(file: Tiff, entries: Entries, orientation: int, *, keeps_icc: bool) -> Metadata:
    """Return all metadata as they are stored.

    Args:
        file: The file.
        entries: Its first directory.
        orientation: That of the file.
        keeps_icc: Whether the ICC profile still applies to the pixels.
    """
    photoshop = without_thumbnail(_data(file, entries, PHOTOSHOP) or b"")
    iptc = _data(file, entries, IPTC)
    if iptc and not (photoshop and has_iptc(photoshop)):
        photoshop = (photoshop or b"") + block(0x0404, iptc)
    return Metadata(
        icc=_data(file, entries, ICC) if keeps_icc else None,
        exif=exif_of(file, entries, orientation),
        xmp=_data(file, entries, XMP),
        photoshop=photoshop,
        dpi=_dpi(file, entries),
    )


def _data(file: Tiff, entries: Entries, tag: int) -> bytes | None:
    entry = entries.get(tag)
    if entry is None or entry.count * SIZES[entry.kind] > LARGEST_METADATA:
        return None
    try:
        return bytes(file.data(entry)) or None
    except MalformedBody:
        return None


def _dpi(file: Tiff, entries: Entries) -> tuple[float, float] | None:
    try:
        across, down = (file.rational(entries.get(tag)) for tag in RESOLUTIONS)
        unit = file.number(entries.get(UNIT), 2)
    except MalformedBody:
        return None
    if across is None or down is None or unit not in (2, PER_CENTIMETRE):
        return None
    factor = 2.54 if unit == PER_CENTIMETRE else 1.0
    return across * factor, down * factor


class _Moved:
    """Writes directories anew at other offsets, of LARGEST_METADATA bytes altogether.

    Many entries may point to the same bytes: what is beyond the bound is left out.
    """

    def __init__(self, file: Tiff) -> None:
        self._file = file
        self._left = LARGEST_METADATA

    def directory(self, entries: Entries, start: int, depth: int = 0) -> bytes:
        """Return a directory, with its values behind it and those it points to.

        Args:
            entries: What to write.
            start: The offset at which it will be.
            depth: How many directories it is within.
        """
        file, order = self._file, self._file.order
        kept = [
            (tag, entry, data)
            for tag, entry in sorted(entries.items())
            if entry.kind <= LAST_KIND or tag in POINTERS
            if (data := self._taken(tag, entry)) is not None
        ]
        table, behind = struct.pack(f"{order}H", len(kept)), b""
        at = start + 2 + 12 * len(kept) + 4
        for tag, entry, data in kept:
            kind, count, value = entry.kind, entry.count, data
            if tag in POINTERS:
                place = at + len(behind)
                try:
                    found = file.directory(file.number(entry, 0))[0] if depth < DEEPEST else {}
                except MalformedBody:
                    found = {}
                behind += self.directory(found, place, depth + 1)
                kind, count, value = 4, 1, struct.pack(f"{order}I", place)
            elif len(data) > 4:
                value = struct.pack(f"{order}I", at + len(behind))
                behind += data + bytes(len(data) % 2)
            table += struct.pack(f"{order}HHI", tag, kind, count) + value.ljust(4, b"\0")
        return table + bytes(4) + behind

    def _taken(self, tag: int, entry: Entry) -> bytes | None:
        """Return the values of an entry, None where they are too many or cut off."""
        size = entry.count * SIZES[entry.kind]
        if size > self._left:
            return None
        self._left -= size + 12
        return _data(self._file, {tag: entry}, tag)
