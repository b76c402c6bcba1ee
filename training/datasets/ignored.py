"""Files of a folder that are not read, counted by their suffixes."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from training.datasets.photos import hidden

MOST_SUFFIXES, NAMED = 5, 3
"""Suffixes and links that are named."""


def note_of_ignored(root: Path, suffixes: frozenset[str], *, deep: bool) -> tuple[str, ...]:
    """Return a note where a folder has files that are not read, but for hidden ones.

    Args:
        root: The folder; there is no note on a file.
        suffixes: Of what is read, in lower case.
        deep: Whether files in sub-folders are.
    """
    others, below = Counter[str](), 0
    for path in _files(root):
        if path.suffix.lower() not in suffixes:
            others[path.suffix.lower() or "no suffix"] += 1
        elif not deep and path.parent != root:
            below += 1
    notes = []
    if links := _links(root):
        notes.append(f"{', '.join(links)}: links to folders or to nothing are ignored")
    if others:
        named = [f"{suffix} ({count:,})" for suffix, count in others.most_common(MOST_SUFFIXES)]
        listed = ", ".join([*named, *["others"] * (len(others) > MOST_SUFFIXES)])
        notes.append(f"{_counted(others.total())} of other kinds ignored: {listed}")
    if below:
        notes.append(f"{_counted(below)} in sub-folders ignored")
    return tuple(notes)


def _files(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield from (path for path in root.rglob("*") if path.is_file() and not hidden(path, root))


def _links(root: Path) -> list[str]:
    """Return the first links that lead to no file, and how many more there are."""
    found = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_symlink() and not path.is_file() and not hidden(path, root)
    )
    more = len(found) - NAMED
    return [*found[:NAMED], *([f"{more:,} more"] if more > 0 else [])]


def _counted(count: int) -> str:
    return f"{count:,} file{'s' * (count > 1)}"
