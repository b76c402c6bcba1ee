"""Atomic, durable writes of files of this machine: whole or not at all, also after a power loss."""

import contextlib
import errno
import os
import secrets
import stat
import sys
from pathlib import Path

from service.errors import InvalidValue
from service.files.errors import Exists

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""Errors of link() where a file system has no hard links, or does not let them be made."""


def write(content: bytes, target: Path, *, overwrite: bool) -> None:
    """Write a file atomically.

    A path that is a symbolic link stays one, and the file that it names is written, with the
    permissions of what was there. The content is written under another name beside its place,
    flushed to the disk (fsync), and then linked, which fails where a file exists, or renamed.

    Args:
        content: Its content.
        target: Its path. Folders that are missing are made.
        overwrite: Whether a file that exists is replaced.

    Raises:
        Exists: It exists with another content, and is not to be replaced.
        InvalidValue: It cannot be written.
    """
    resolved = Path(os.path.realpath(target))
    partial = resolved.with_name(f".{secrets.token_hex(8)}.part")
    try:
        made = _make_folders(target.parent)
        mode = stat.S_IMODE(resolved.stat().st_mode) if resolved.exists() else None
        new = 0o666 if mode is None else mode  # never open to more people, not even at first
        with open(partial, "xb", opener=lambda path, flags: os.open(path, flags, new)) as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if overwrite:
            if mode is not None:
                partial.chmod(mode)
            partial.replace(resolved)
        elif not _publish(partial, target, resolved) and not _holds(target, content):
            raise Exists(f"expected to write {target}, received: a file that came there meanwhile")
        for folder in {resolved.parent, *made}:
            _flush(folder)
    except OSError as error:
        raise InvalidValue(f"expected to write {target}, received: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):  # it was renamed, or never created
            partial.unlink()


def _publish(partial: Path, target: Path, resolved: Path) -> bool:
    """Give a written file its name; return False where that is taken."""
    if os.path.lexists(target):
        return False
    try:
        os.link(partial, resolved)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        partial.rename(resolved)
    return True


def _holds(path: Path, content: bytes) -> bool:
    """Return whether a file has this content."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it that are missing; return the folders that got an entry."""
    changed = []
    each = folder
    while not each.exists() and each != each.parent:
        each = each.parent
        changed.append(each)
    folder.mkdir(parents=True, exist_ok=True)
    return changed


def _flush(folder: Path) -> None:
    """Flush the names in a folder to the disk, where a system can."""
    if sys.platform == "win32":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # of a folder that this user may write to, but not list
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # of some network file systems
            raise
    finally:
        os.close(descriptor)
