"""Where a file is: a path of this machine, or an object in a store; what both can do."""

import os
from collections.abc import Iterator
from pathlib import Path

from service.errors import InvalidValue
from service.files import local_file
from service.files.objects import Object
from service.files.urls import is_url

Location = Path | Object


def located(text: str) -> Location:
    """Return the path or the object that an argument names. Raises InvalidValue as Object.parse."""
    return Object.parse(text) if is_url(text) else Path(text)


def canonical(location: Location) -> str:
    """Return what two names of one file have in common: a path without links, or a URL."""
    return os.path.realpath(location) if isinstance(location, Path) else str(location)


def is_within(location: Location, folder: Location) -> bool:
    """Return whether a file or a folder is a folder itself, or below it."""
    if isinstance(location, Path) and isinstance(folder, Path):
        return Path(canonical(location)).is_relative_to(canonical(folder))
    if isinstance(location, Object) and isinstance(folder, Object):
        below = f"{folder.key}/" if folder.key else ""
        return location.root == folder.root and f"{location.key}/".startswith(below)
    return False


def names_in(folder: Location, below: str = "") -> Iterator[str]:
    """Return the names of the files in a folder, none where there is none.

    Args:
        folder: The folder.
        below: A folder in it whose files are meant, "" for its own.

    Raises:
        StoreError: Its store cannot be listed.
    """
    here = folder / below if below else folder
    if isinstance(here, Object):
        inside = (listed.object for listed in here.below())
        yield from (each.name for each in inside if each.parent == here)
    elif isinstance(here, Path) and here.is_dir():
        yield from (each.name for each in here.iterdir() if each.is_file())


def exists(location: Location) -> bool:
    """Return whether there is a file, a folder or a link. Raises StoreError as Object.found()."""
    if isinstance(location, Path):
        return os.path.lexists(location)
    return location.found() is not None


def read(location: Location) -> bytes:
    """Return a file's content.

    Raises:
        InvalidValue: It cannot be read.
        StoreError: Its store cannot be.
    """
    try:
        return location.read_bytes()
    except OSError as error:
        raise InvalidValue(
            f"expected a file that can be read, received: {error.strerror}"
        ) from error


def read_range(location: Location, start: int, length: int) -> bytes:
    """Return some bytes of a file, fewer where it ends before; raises as read() does."""
    if isinstance(location, Object):
        return location.read_range(start, length)
    try:
        with location.open("rb") as file:
            file.seek(start)
            return file.read(length)
    except OSError as error:
        raise InvalidValue(
            f"{location}: expected a file that can be read, received: {error.strerror}"
        ) from error


def write(file: bytes, target: Location, *, overwrite: bool) -> None:
    """Write a file, all at once.

    A file that is there with this content is left as it is.

    Raises:
        Exists: It exists with another content, and is not to be replaced.
        InvalidValue: It cannot be written.
        StoreError: Its store cannot be written.
    """
    if isinstance(target, Object):
        target.write_bytes(file, overwrite=overwrite)
    else:
        local_file.write(file, target, overwrite=overwrite)


def remove(location: Location) -> None:
    """Delete a file.

    Raises:
        InvalidValue: It does not exist, or cannot be deleted.
        StoreError: Its store cannot be written.
    """
    try:
        location.unlink()
    except OSError as error:
        raise InvalidValue(f"expected to delete {location}, received: {error.strerror}") from error
