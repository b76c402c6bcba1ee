"""Zip archives (APPNOTE.TXT 6.3.10): the photographs in a body, read one at a time."""

import functools
import io
import re
import zipfile

from service.api.archive.source import Modified, Source
from service.api.body import Body
from service.errors import BodyTooLarge, InvalidValue, MalformedBody, UnsupportedMediaType

CENTRAL = b"PK\1\2"
"""The signature of an entry in the directory of an archive (4.3.12)."""
MOST_ENTRIES = 16 * 1024
"""Entries of an archive, folders included: a body of 160 MiB may hold three millions, whose
directory would take gigabytes."""
MOST_TIMES = 8
"""Bytes of all files together, in those that a body may have: zeros deflate to a thousandth, and
entries may overlap."""
STEP = 1024 * 1024
"""Bytes in which entries are counted at a time."""
IGNORED = re.compile(r"(^|/)(__MACOSX/|\.(?!\.?/)|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
"""What systems add to the folders of people, and hidden files."""
COMPRESSION = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}
ENCRYPTED, UTF_8 = 0x1, 0x800
"""General purpose bit flags (4.4.4)."""


def sources(body: Body, largest: int) -> list[Source]:
    """Return the files of a zip archive, in its order; folders and hidden files are left out.

    Nothing is decompressed.

    Args:
        body: The archive, which must not change before its files are read.
        largest: Most bytes of a file, and of a body.

    Raises:
        MalformedBody: It is no zip archive, or a truncated or damaged one.
        BodyTooLarge: It has too many entries, or too many bytes in its files.
    """
    view = memoryview(body)
    count = sum(
        bytes(view[start : start + STEP + len(CENTRAL) - 1]).count(CENTRAL)
        for start in range(0, len(view), STEP)
    )
    if count > MOST_ENTRIES:
        raise BodyTooLarge(f"zip: expected at most {MOST_ENTRIES} entries, received {count}")
    try:
        archive = zipfile.ZipFile(io.BufferedReader(_View(view), 64 * 1024))
    except Exception as error:  # zipfile fails in more ways than it documents
        raise MalformedBody(
            "body: expected a whole zip archive, received a truncated or damaged one"
        ) from error
    named = ((_name(info), info) for info in archive.infolist())
    found = [each for each in named if not (each[0].endswith("/") or IGNORED.search(each[0]))]
    # A file that says less than it has ends there, and one that says too much is not read at all.
    sizes = (info.file_size for _, info in found)
    total, most = sum(size for size in sizes if size <= largest), MOST_TIMES * largest
    if total > most:
        raise BodyTooLarge(f"zip: expected at most {most} bytes in its files, received {total}")
    return [
        Source(name, functools.partial(_read, archive, info, largest), Modified(*info.date_time))
        for name, info in found
    ]


def _read(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, largest: int, most: int | None = None
) -> bytes:
    """Return the content of an entry, which takes no more memory than its directory says.

    Args:
        archive: The archive.
        info: The entry.
        largest: Most bytes of it.
        most: How many of them are wanted, from the start on; None for all. The rest is then not
            decompressed.

    Raises:
        InvalidValue: It is encrypted.
        UnsupportedMediaType: It is compressed otherwise.
        BodyTooLarge: It is larger than the limit.
        MalformedBody: It is damaged, or not as the directory says.
    """
    if info.flag_bits & ENCRYPTED:
        raise InvalidValue("zip: expected a file without a password, received an encrypted one")
    if info.compress_type not in COMPRESSION:
        raise UnsupportedMediaType(
            f"zip: expected a {' or '.join(COMPRESSION.values())} file, "
            f"received one of compression method {info.compress_type}"
        )
    if info.file_size > largest:
        raise BodyTooLarge(
            f"zip: expected files of at most {largest} bytes (SERVICE_MAX_BODY_BYTES), "
            f"received one of {info.file_size}"
        )
    try:
        with archive.open(info) as entry:
            return entry.read(-1 if most is None else most)
    except Exception as error:
        raise MalformedBody("zip: expected a whole file, received a damaged one") from error


def _name(info: zipfile.ZipInfo) -> str:
    """Return the name of an entry: in UTF-8, declared or not, or else in code page 437 (D.1)."""
    name = info.filename.replace("\\", "/")
    if info.flag_bits & UTF_8:
        return name
    try:
        return name.encode("cp437").decode("utf-8")  # macOS, which does not declare it
    except UnicodeError:
        return name


class _View(io.RawIOBase):
    """A file over bytes that are in memory, without a copy."""

    def __init__(self, view: memoryview) -> None:
        super().__init__()
        self._view = view
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        self._at = max(0, start + offset)  # as BytesIO does: zipfile looks before the start
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._view[self._at : self._at + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
