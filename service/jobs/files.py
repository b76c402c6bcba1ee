"""Blobs as files of a folder: written under a temporary name, synced, renamed."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from service.jobs.blobs import CHUNK
from service.jobs.steady_clock import SteadyClock

FOLDER_MODE, FILE_MODE = 0o700, 0o600
"""Permissions: photographs are their owner's business."""


class Files:
    """Blobs in a folder."""

    def __init__(self, folder: Path) -> None:
        """Create the folder where it is missing. Raises OSError."""
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        self._folder = folder
        self._clock = SteadyClock()

    def writer(self, name: str) -> "FileWriter":
        return FileWriter(self._folder, name)

    def exists(self, name: str) -> bool:
        return (self._folder / name).exists()

    def chunks(self, name: str) -> Iterator[bytes]:
        try:
            file = (self._folder / name).open("rb")
        except FileNotFoundError:
            return
        with file:
            while piece := file.read(CHUNK):
                yield piece

    def delete(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def stale(self, seconds: float) -> Iterator[str]:
        now = self._clock.now()
        with os.scandir(self._folder) as entries:
            for entry in entries:
                try:
                    is_file = entry.is_file(follow_symlinks=False)
                    age = now - entry.stat(follow_symlinks=False).st_mtime
                except FileNotFoundError:  # another process has removed it
                    continue
                if is_file and age > seconds:
                    yield entry.name


class FileWriter:
    """A file that is being written."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._path = folder / name
        self._temporary = folder / f"{name}.{secrets.token_hex(4)}.part"
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(self._temporary, flags, FILE_MODE), "wb", buffering=0)

    def write(self, piece: bytes | memoryview) -> None:
        rest = memoryview(piece).cast("B")
        while rest:
            rest = rest[self._file.write(rest) or 0 :]

    def commit(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()
        self._temporary.replace(self._path)
        if os.name == "posix":  # the name survives a loss of power too
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def abort(self) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)
