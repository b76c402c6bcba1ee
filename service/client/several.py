"""Several photographs: files and folders to names and paths."""

import asyncio
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TypeAlias

from service.client.errors import ServiceError
from service.client.results import Result

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".avif", ".heic", ".heif", ".hif", ".tif", ".tiff"),
    *(".bmp", ".gif", ".jp2", ".j2k", ".jpx", ".jxl"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"),
)
"""Suffixes of the files of a folder that are sent; what the service does not read is an error."""

Paths: TypeAlias = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
Outcome: TypeAlias = Result | ServiceError | OSError
FAULTS = (ServiceError, OSError)
"""What a photograph's outcome is instead of a result."""


def check(at_once: int) -> None:
    """Raise ValueError where there is no request at a time."""
    if not isinstance(at_once, int) or at_once < 1:
        raise ValueError(f"at_once: expected a whole number of 1 or more, received {at_once!r}")


def outcome(done: "Future[Result] | asyncio.Task[Result]") -> Outcome:
    """Return the result of a call that is done, or its error."""
    try:
        return done.result()
    except FAULTS as error:
        return error


def named(photographs: Paths) -> Iterator[tuple[str, Path]]:
    """Yield the name and path of each photograph.

    Args:
        photographs: A folder, for the pictures in it and below except hidden ones, named by their
            paths in it; or files, named as they are given; or one file.

    Raises:
        FileNotFoundError: A single path does not exist.
    """
    if not isinstance(photographs, str | os.PathLike):
        for each in photographs:
            yield os.fspath(each), Path(each)
        return
    path = Path(photographs)
    if not path.is_dir():
        if not path.exists():
            raise FileNotFoundError(f"photographs: expected a folder or files, received {path}")
        yield os.fspath(photographs), path
        return
    for found in sorted(path.rglob("*")):
        inside = found.relative_to(path)
        is_hidden = any(part.startswith(".") for part in inside.parts)
        if found.suffix.lower() in SUFFIXES and found.is_file() and not is_hidden:
            yield inside.as_posix(), found
