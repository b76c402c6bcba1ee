"""Files of a folder that are not read, counted by their suffixes."""

from collections import Counter
from pathlib import Path

from training.datasets.photos import hidden

MOST_SUFFIXES, NAMED = 5, 3
"""Suffixes and links that are named."""


def note_of_ignored(root: Path, suffixes: frozenset[str], *, deep: bool) -> tuple[str, ...]:
    """Return a note on each kind of files of a folder that are not read, but for hidden ones.

    Args:
        root: The folder; there is no note on a file.
        suffixes: Of what is read, in lower case.
        deep: Whether files in sub-folders are.
    """
    others, below, links = Counter[str](), 0, []
    for path in root.rglob("*"):
        if hidden(path, root):
            continue
        if not path.is_file():
            links += [path.relative_to(root).as_posix()] * path.is_symlink()
        elif path.suffix.lower() not in suffixes:
            others[path.suffix.lower() or "no suffix"] += 1
        elif not deep and path.parent != root:
            below += 1
    notes = []
    if links:
        more = [f"{len(links) - NAMED:,} more"] * (len(links) > NAMED)
        named = ", ".join([*sorted(links)[:NAMED], *more])
        notes.append(f"{named}: links to folders or to nothing are ignored")
    if others:
        counts = [f"{suffix} ({count:,})" for suffix, count in others.most_common(MOST_SUFFIXES)]
        listed = ", ".join([*counts, *["others"] * (len(others) > MOST_SUFFIXES)])
        notes.append(f"{_counted(others.total())} of other kinds ignored: {listed}")
    if below:
        notes.append(f"{_counted(below)} in sub-folders ignored")
    return tuple(notes)


def _counted(count: int) -> str:
    return f"{count:,} file{'s' * (count > 1)}"
