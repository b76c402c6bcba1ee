"""Directories of TIFF and BigTIFF files, read within bounds.

TIFF 6.0, section 2; BigTIFF, https://www.awaresystems.be/imaging/tiff/bigtiff.html.
"""

import struct
from dataclasses import dataclass

from service.errors import MalformedBody

BYTE_ORDERS = {b"II": "<", b"MM": ">"}
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
SIZES |= {16: 8, 17: 8, 18: 8}
"""Bytes of a value by its type; the last three are BigTIFF's."""
WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""Types of whole numbers, as struct formats."""
RATIONAL = 5
MAX_ENTRIES = 1 << 12
"""Entries of a directory; files have some dozens."""
MAX_NUMBERS = 1 << 20
"""Numbers of an entry: an offset for each strip or tile."""
MAX_DIRECTORIES = 256
"""Directories that are looked at."""

SUBFILE, OLD_SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION = 254, 255, 256, 257, 258, 259
PHOTOMETRIC, SUB_DIRECTORIES, DNG_VERSION = 262, 330, 50706
CFA, LINEAR_RAW = 32803, 34892
"""Photometric interpretations of a sensor's samples (TIFF/EP, DNG)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a directory: the type of its values, how many there are, and their offset."""

    kind: int
    count: int
    at: int


Entries = dict[int, Entry]


class Tiff:
    """A TIFF file, of which only directories are read.

    Attributes:
        body: The file.
        order: Its byte order, "<" or ">".
        is_big: Whether it is a BigTIFF.
        start: The offset of its first directory.
    """

    def __init__(self, body: bytes | memoryview) -> None:
        """Read the header.

        Raises:
            MalformedBody: It is cut off.
        """
        self.body = memoryview(body)
        self.order = BYTE_ORDERS[bytes(self.body[:2])]
        self.is_big = 43 in self.body[2:4]
        self.start = self._unpack("Q" if self.is_big else "I", 8 if self.is_big else 4)

    def directory(self, start: int) -> tuple[Entries, int]:
        """Return the entries of a directory by tag, and the offset of the next one, 0 for none.

        Raises:
            MalformedBody: It is cut off, or has more than MAX_ENTRIES.
        """
        counted, head, size = ("Q", 8, 20) if self.is_big else ("H", 2, 12)
        count = self._unpack(counted, start)
        if count > MAX_ENTRIES:
            raise MalformedBody(
                f"picture: expected at most {MAX_ENTRIES} entries of a directory, received {count}"
            )
        entries: Entries = {}
        for at in range(start + head, start + head + size * count, size):
            tag, kind = self._unpack("H", at), self._unpack("H", at + 2)
            number = self._unpack("Q" if self.is_big else "I", at + 4)
            value = at + (12 if self.is_big else 8)
            if SIZES.get(kind, 0) * number > (8 if self.is_big else 4):
                value = self._unpack("Q" if self.is_big else "I", value)
            if kind in SIZES:
                entries.setdefault(tag, Entry(kind, number, value))
        end = start + head + size * count
        try:
            following = self._unpack("Q" if self.is_big else "I", end)
        except MalformedBody:
            following = 0
        return entries, following

    def numbers(self, entry: Entry | None) -> tuple[int, ...]:
        """Return the values of an entry of whole numbers, none for one of another type.

        Raises:
            MalformedBody: They are cut off, or more than MAX_NUMBERS.
        """
        if entry is None or entry.kind not in WHOLE:
            return ()
        if entry.count > MAX_NUMBERS:
            raise MalformedBody(
                f"picture: expected at most {MAX_NUMBERS} values of a tag, received {entry.count}"
            )
        layout = f"{self.order}{entry.count}{WHOLE[entry.kind]}"
        return tuple(struct.unpack(layout, self.data(entry)))

    def number(self, entry: Entry | None, default: int) -> int:
        """Return the first value of an entry, or a default."""
        return (*self.numbers(entry)[:1], default)[0]

    def rational(self, entry: Entry | None) -> float | None:
        """Return the value of an entry that is one positive fraction, None for all others."""
        if entry is None or entry.kind != RATIONAL or entry.count != 1:
            return None
        above, below = struct.unpack(f"{self.order}II", self.data(entry))
        return above / below if above and below else None

    def data(self, entry: Entry) -> memoryview:
        """Return the values of an entry as they are stored. Raises MalformedBody."""
        end = entry.at + entry.count * SIZES[entry.kind]
        if end > len(self.body):
            raise MalformedBody("picture: expected a whole picture, received a truncated one")
        return self.body[entry.at : end]

    def pages(self, following: int) -> int:
        """Return how many pages there are, thumbnails and masks left out (TIFF 6.0, section 8).

        Args:
            following: The offset of the directory behind the first one.
        """
        pages, seen = 1, {self.start}
        while following and following not in seen and len(seen) < MAX_DIRECTORIES:
            seen.add(following)
            try:
                entries, following = self.directory(following)
                is_reduced = self.number(entries.get(SUBFILE), 0) & 0b101
                is_reduced |= self.number(entries.get(OLD_SUBFILE), 1) == 2
            except MalformedBody:
                break
            pages += WIDTH in entries and not is_reduced
        return pages

    def is_raw(self) -> bool:
        """Return whether it is a camera's raw file: DNG, NEF, ARW, PEF and so on."""
        try:
            entries, _ = self.directory(self.start)
            if DNG_VERSION in entries:
                return True
            offsets = self.numbers(entries.get(SUB_DIRECTORIES))[:MAX_DIRECTORIES]
            every = [entries, *(self.directory(offset)[0] for offset in offsets)]
            found = [self.number(each.get(PHOTOMETRIC), 0) for each in every]
        except MalformedBody:
            return False
        return CFA in found or LINEAR_RAW in found

    def _unpack(self, layout: str, at: int) -> int:
        try:
            (value,) = struct.unpack_from(self.order + layout, self.body, at)
        except (struct.error, OverflowError) as error:
            raise MalformedBody(
                "picture: expected a whole picture, received a truncated one"
            ) from error
        return int(value)
