"""The files that a run writes: each has a name of its own, with the suffix of what it holds."""

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from service.errors import ServiceError
from service.files.location import Location, canonical
from service.images.decode import media_type_of
from service.images.file_names import folded, numbered, split
from service.images.formats import SUFFIXES, default_for


class Targets:
    """The names that are taken, by files that are written and by those that are to be read."""

    def __init__(self, sources: Iterable[Location], *, whole: bool = False) -> None:
        """Start with no file to write.

        Args:
            sources: The files that are read.
            whole: Whether a name that is taken is made of the whole name of the source, in the
                place of a number: `a.heic.jpg`. Then no name depends on what other folders hold.
        """
        self._read = {canonical(source) for source in sources}
        self._whole = whole
        self._exact: set[Location] = set()
        self._folded: set[str] = set()

    def beside(self) -> "Targets":
        """Return the names of other files to write, while the same files are read."""
        other = Targets((), whole=self._whole)
        other._read = self._read
        return other

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled for another machine: the names beside a file, not all sources."""
        return vars(self) | {"_read": set()}

    def keep(self, wanted: Location, media_type: str, source: Location) -> bool:
        """Take a name as it is, and return whether that fits the format and no other has it."""
        where = canonical(wanted)
        is_anothers = where in self._read and where != canonical(source)
        if wanted in self._exact or is_anothers or not fits(wanted, media_type):
            return False
        self._add(wanted)
        return True

    def take(self, wanted: Location, media_type: str, *, late: bool = False) -> Location:
        """Return a name that no other has, with the suffix of a format, and take it.

        Args:
            wanted: The name in the folder of the output that the source would have.
            media_type: The format that is written.
            late: Whether other photographs are written meanwhile: with whole names, one is taken
                at once then, so that no name depends on which is done first.
        """
        stem, suffix = split(wanted.name, media_type)
        if self._whole and (late or self._has(wanted, stem + suffix)):
            stem = wanted.name
        found = wanted.with_name(numbered(stem, suffix, lambda name: self._has(wanted, name)))
        self._add(found)
        return found

    def _has(self, wanted: Location, name: str) -> bool:
        path = wanted.with_name(name)
        return folded(str(path)) in self._folded or canonical(path) in self._read

    def _add(self, path: Location) -> None:
        self._exact.add(path)
        self._folded.add(folded(str(path)))


def fits(name: Location, media_type: str) -> bool:
    """Return whether a name has a suffix of a format."""
    return SUFFIXES.get(name.suffix.lower()) == media_type


def written_for(source: Path) -> str | None:
    """Return the format in which a file is written by default, None where that shows later.

    A few bytes are read, of regular files alone: what came out of a pipe would be gone.
    """
    try:
        if not source.is_file():
            return None
        with source.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return default_for(media_type_of(memoryview(mapped)))
    except (OSError, ValueError, ServiceError):
        return None
