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
MAX_ENTRIES, MAX_ENTRIES_IN_ALL = 1 << 12, 1 << 13
"""Entries of a directory, and of all that are read; files have some dozens of them."""
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

    Many pointers may lead to one directory, and directories may overlap: each is read once, and all
    have a bound together.

    Attributes:
        body: The file.
        order: Its byte order, "<" or ">".
        is_big: Whether it is a BigTIFF.
        start: The offset of its first directory.
    """

    def __init__(self, body: bytes | memoryview) -> None:
        """Read the header.

        Raises:
            MalformedBody: It is cut off, or begins otherwise.
        """
        self.body = memoryview(body)
        order = BYTE_ORDERS.get(bytes(self.body[:2]))
        if order is None:
            raise MalformedBody("picture: expected a TIFF, received another file")
        self.order = order
        self.is_big = 43 in self.body[2:4]
        self.start = self._unpack("Q" if self.is_big else "I", 8 if self.is_big else 4)
        self._left = MAX_ENTRIES_IN_ALL
        self._read: dict[int, tuple[Entries, int]] = {}

    def directory(self, start: int) -> tuple[Entries, int]:
        """Return the entries of a directory by tag, and the offset of the next one, 0 for none.

        Raises:
            MalformedBody: It is cut off, or has more entries than MAX_ENTRIES, or all that were
                read have more than MAX_ENTRIES_IN_ALL.
        """
        if start not in self._read:
            self._read[start] = self._directory(start)
        return self._read[start]

    def _directory(self, start: int) -> tuple[Entries, int]:
        counted, head, size = ("Q", 8, 20) if self.is_big else ("H", 2, 12)
        count = self._unpack(counted, start)
        most = min(MAX_ENTRIES, self._left)
        if count > most:
            raise MalformedBody(
                f"picture: expected at most {most} entries of a directory, received {count}"
            )
        self._left -= count
        end = start + head + size * count
        if end > len(self.body):
            raise MalformedBody("picture: expected a whole picture, received a truncated one")
        layout, inside = ("HHQQ", 8) if self.is_big else ("HHII", 4)
        table = struct.iter_unpack(self.order + layout, self.body[start + head : end])
        entries: Entries = {}
        for place, (tag, kind, number, value) in enumerate(table):
            if kind in SIZES and tag not in entries:
                is_inside = SIZES[kind] * number <= inside
                at = start + head + size * (place + 1) - inside if is_inside else value
                entries[tag] = Entry(kind, number, at)
        try:
            following = self._unpack("Q" if self.is_big else "I", end)
        except MalformedBody:
            following = 0
        return entries, following

    def numbers(self, entry: Entry | None, most: int = MAX_NUMBERS) -> tuple[int, ...]:
        """Return the first values of an entry of whole numbers, none for one of another type.

        Args:
            entry: The entry.
            most: How many to return at most.

        Raises:
            MalformedBody: They are cut off, or more than MAX_NUMBERS.
        """
        if entry is None or entry.kind not in WHOLE:
            return ()
        if entry.count > MAX_NUMBERS:
            raise MalformedBody(
                f"picture: expected at most {MAX_NUMBERS} values of a tag, received {entry.count}"
            )
        layout = f"{self.order}{min(entry.count, most)}{WHOLE[entry.kind]}"
        return struct.unpack_from(layout, self.data(entry))

    def number(self, entry: Entry | None, default: int) -> int:
        """Return the first value of an entry, or a default."""
        return (*self.numbers(entry, 1), default)[0]

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
            offsets = self.numbers(entries.get(SUB_DIRECTORIES), MAX_DIRECTORIES)
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
