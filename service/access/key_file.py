"""Reads and changes a file of API keys: whoever reads it sees all of a change, or nothing."""

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from service.access.entry import Entry, entries_of, without
from service.errors import InvalidValue, OutputError, one_of


def entries(file: Path) -> list[Entry]:
    """Return the entries of a file, in their order.

    Raises:
        OutputError: The file cannot be read, or is none of keys.
    """
    try:
        return entries_of(_text(file))
    except OSError as error:
        raise OutputError(
            f"{file}: expected a file that can be read, received: {error.strerror}"
        ) from error


def append(file: Path, entry: Entry) -> None:
    """Append an entry.

    Args:
        file: The file, which is created where it is missing; its folder exists.
        entry: The entry.

    Raises:
        OutputError: The file cannot be read, written or replaced, or is none of keys. It is then
            as it was.
    """

    def change(before: str) -> str:
        separator = "\n" if before and not before.endswith("\n") else ""
        return f"{before}{separator}{entry.line}\n"

    _change(file, change)


def revoke(file: Path, name: str, *, keep_last: bool = False) -> int:
    """Remove the entries of a name, return how many; all else in the file stays.

    Args:
        file: The file.
        name: Whose keys they are.
        keep_last: Whether to keep the last of them in the file.

    Raises:
        InvalidValue: There is none to remove; the file is as it was.
        OutputError: The file cannot be read, written or replaced, or is none of keys. It is then
            as it was.
    """
    found = 0

    def change(before: str) -> str:
        nonlocal found
        names = [each.name for each in entries_of(before)]
        found = names.count(name) - keep_last
        if found < 1:
            expected = one_of(dict.fromkeys(names)) if names else "one that the file has"
            also = " with another before its last" if keep_last else ""
            raise InvalidValue(f"name: expected {expected}{also}, received {name!r}")
        return without(before, name, found)

    entries(file)  # a file that is missing stays so
    _change(file, change)
    return found


def _change(file: Path, change: Callable[[str], str]) -> None:
    """Replace a file by what a function makes of its content; it keeps its owner and its mode.

    The new content is written and synced beside the file, and renamed into its place.
    """
    file = file.resolve()  # a link stays one
    try:
        with _alone(file.parent):
            _replace(file, change)
    except OSError as error:
        raise OutputError(
            f"{file}: expected a file that can be written, received: {error.strerror}"
        ) from error


def _replace(file: Path, change: Callable[[str], str]) -> None:
    before, kept = "", None
    with contextlib.suppress(FileNotFoundError):
        kept = file.stat()
        before = _text(file)
    after = change(before)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # of mode 600
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(after.encode())
            stream.flush()
            os.fsync(stream.fileno())
            if kept and sys.platform != "win32":
                if (kept.st_uid, kept.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(stream.fileno(), kept.st_uid, kept.st_gid)
                os.fchmod(stream.fileno(), stat.S_IMODE(kept.st_mode))
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _text(file: Path) -> str:
    """Return the text of a file of keys. Raises OutputError for another, or OSError."""
    try:
        text = file.read_text("utf-8")
        entries_of(text)
    except ValueError as error:
        told = "expected UTF-8" if isinstance(error, UnicodeError) else error
        raise OutputError(f"{file}: expected API keys, received: {told}") from error
    return text


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for other commands that replace a file of a folder: see flock(2)."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
