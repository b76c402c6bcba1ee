"""Names of files that are safe to write on any system, each of them once."""

import re
import unicodedata

from service.images.formats import SUFFIXES

SEPARATORS = re.compile(r"[/\\]")
DRIVE = re.compile(r"[A-Za-z]:")
UNSAFE = re.compile('[\x00-\x1f\x7f<>:"|?*/\\\\\u202a-\u202e\u2066-\u2069]')
"""Characters that file systems refuse, or that show a name as another (bidirectional controls)."""
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names that are devices on Windows, whatever their suffix."""
LONGEST, DEEPEST = 200, 16
"""Bytes of a file's or a folder's name (255 on most systems), and folders."""
NAMELESS = "photograph"
SUFFIX = re.compile(r"(?<=[^/])\.[A-Za-z][A-Za-z0-9]{1,4}$")


class Names:
    """The names of the files that one client receives."""

    def __init__(self, *reserved: str, has_folders: bool) -> None:
        """Start with no names.

        Args:
            reserved: Names that are taken.
            has_folders: Whether folders stay; otherwise "a/b" becomes "a_b".
        """
        self._taken = {_folded(name) for name in reserved}
        self._has_folders = has_folders

    def take(self, source: str, media_type: str) -> str:
        """Return a safe name that no other file has, not even in other letters' case.

        Args:
            source: The name that the client gave, which may be anything.
            media_type: The format of the file, from which its suffix follows.
        """
        name = safe(source, has_folders=self._has_folders)
        suffix = SUFFIX.search(name)
        stem, own = (name[: suffix.start()], suffix[0]) if suffix else (name, "")
        possible = [each for each, kind in SUFFIXES.items() if kind == media_type]
        kept = own if own.lower() in possible else possible[0]
        found, number = stem + kept, 1
        while _folded(found) in self._taken:
            number += 1
            found = f"{stem}-{number}{kept}"
        self._taken.add(_folded(found))
        return found


def safe(source: str, *, has_folders: bool) -> str:
    """Return a relative path with nothing in it that a file system refuses, or that leads out."""
    parts = [_cleaned(part) for part in SEPARATORS.split(source) if not DRIVE.fullmatch(part)]
    parts = [part for part in parts if part][-DEEPEST:]
    return ("/" if has_folders else "_").join(parts) or NAMELESS


def _cleaned(part: str) -> str:
    cleaned = UNSAFE.sub("_", part).strip(". ")
    cleaned = cleaned.encode()[-LONGEST:].decode(errors="ignore")  # the end has the suffix
    return f"_{cleaned}" if DEVICES.match(cleaned) else cleaned


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
