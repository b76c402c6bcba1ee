"""Appends an entry to a file of API keys: whoever reads it sees all of it, or nothing."""

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from service.access.entry import Entry, entries_of
from service.errors import OutputError


def append(file: Path, entry: Entry) -> None:
    """Append an entry; a file that exists keeps its owner and its mode.

    The new content is written and synced beside the file, and renamed into its place.

    Args:
        file: The file, which is created where it is missing; its folder exists.
        entry: The entry.

    Raises:
        OutputError: The file cannot be read, written or replaced, or is none of keys. It is then
            as it was.
    """
    file = file.resolve()  # a link stays one
    try:
        with _alone(file.parent):
            _replace(file, entry)
    except OSError as error:
        raise OutputError(
            f"{file}: expected a file that can be written, received: {error.strerror}"
        ) from error


def _replace(file: Path, entry: Entry) -> None:
    before, kept = "", None
    with contextlib.suppress(FileNotFoundError):
        kept = file.stat()
        try:
            before = file.read_text("utf-8")
            entries_of(before)
        except ValueError as error:
            told = "expected UTF-8" if isinstance(error, UnicodeError) else error
            raise OutputError(f"{file}: expected API keys, received: {told}") from error
    if before and not before.endswith("\n"):
        before += "\n"
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # of mode 600
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(f"{before}{entry.line}\n".encode())
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
