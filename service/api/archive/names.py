"""Names of files that are safe to write on any system, each of them once."""

import re

from service.images.file_names import folded, numbered, split

SEPARATORS = re.compile(r"[/\\]")
DRIVE = re.compile(r"[A-Za-z]:")
UNSAFE = re.compile(
    '[\x00-\x1f\x7f-\x9f<>:"|?*/\\\\'
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Characters that file systems or terminals take for something else, or that show a name as
another: controls, those of lines and of direction, what has no width, half a character."""
DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE
)
"""Names that are devices on Windows, whatever their suffix."""
LONGEST, DEEPEST = 200, 16
"""Bytes of a file's or a folder's name (255 on most systems), and folders."""
NAMELESS = "photograph"


class Names:
    """The names of the files that one client receives."""

    def __init__(self, *reserved: str, has_folders: bool) -> None:
        """Start with no names.

        Args:
            reserved: Names that are taken.
            has_folders: Whether folders stay; otherwise "a/b" becomes "a_b".
        """
        self._files = {folded(name) for name in reserved}
        self._folders: set[str] = set()
        self._has_folders = has_folders

    def take(self, source: str, media_type: str) -> str:
        """Return a safe name that no other file or folder has, not even in other letters' case.

        Args:
            source: The name that the client gave, which may be anything.
            media_type: The format of the file, from which its suffix follows.
        """
        *folders, name = safe(source)
        if not self._has_folders:
            folders, name = [], "_".join([*folders, name])
        folder = self._folder(folders)
        stem, suffix = split(name, media_type)
        found = numbered(folder + stem, suffix, self._has)
        self._files.add(folded(found))
        return found

    def _has(self, name: str) -> bool:
        return folded(name) in self._files or folded(name) in self._folders

    def _folder(self, folders: list[str]) -> str:
        """Return the path of a folder, with its last slash, where no file is on the way."""
        path = ""
        for name in folders:
            found, number = path + name, 1
            while folded(found) in self._files:
                number += 1
                found = f"{path}{name}-{number}"
            self._folders.add(folded(found))
            path = f"{found}/"
        return path


def safe(source: str) -> list[str]:
    """Return folders and name of a file, with nothing that a file system refuses or leads out."""
    parts = [_cleaned(part) for part in SEPARATORS.split(source) if not DRIVE.fullmatch(part)]
    return [part for part in parts if part][-DEEPEST:] or [NAMELESS]


def _cleaned(part: str) -> str:
    cleaned = UNSAFE.sub("_", part).strip(". ")
    cleaned = cleaned.encode()[-LONGEST:].decode(errors="ignore")  # the end has the suffix
    cleaned = cleaned.lstrip(". ")
    # A dash in front makes it an option of the programs that it is given to.
    return f"_{cleaned}" if cleaned.startswith("-") or DEVICES.match(cleaned) else cleaned
