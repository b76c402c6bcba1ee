"""Names of files to write: the suffix of what they hold, and a number where a name is taken."""

import re
import unicodedata
from collections.abc import Callable

from service.images.formats import SUFFIXES

SUFFIX = re.compile(r"(?<=.)\.[A-Za-z][A-Za-z0-9]{1,4}$")


def split(name: str, media_type: str) -> tuple[str, str]:
    """Return a file's name without suffix, and the suffix of a format: its own where that fits.

    Args:
        name: Of the file that it comes from.
        media_type: The format that is written.
    """
    found = SUFFIX.search(name)
    stem, own = (name[: found.start()], found[0]) if found else (name, "")
    possible = [suffix for suffix, kind in SUFFIXES.items() if kind == media_type]
    return stem, own if own.lower() in possible else possible[0]


def numbered(stem: str, suffix: str, is_taken: Callable[[str], bool]) -> str:
    """Return the first of `a.png`, `a-2.png`, `a-3.png` and so on that is not taken."""
    found, number = stem + suffix, 1
    while is_taken(found):
        number += 1
        found = f"{stem}-{number}{suffix}"
    return found


def folded(name: str) -> str:
    """Return what names have in common that some file systems take for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
