"""What bodies and responses are stored in: named sequences of bytes, written once."""

from collections.abc import Iterator
from typing import Protocol

CHUNK = 1024 * 1024
"""Bytes that are read at a time, and of a value in Redis."""


class Writer(Protocol):
    """A blob that is being written; nobody sees it before commit()."""

    def write(self, piece: bytes | memoryview, /) -> None:
        """Append bytes."""
        ...

    def commit(self) -> None:
        """Make it readable; it then survives a crash of the process."""
        ...

    def abort(self) -> None:
        """Drop it; nothing happens after commit()."""
        ...


class Blobs(Protocol):
    """A place for blobs. Every method blocks."""

    def writer(self, name: str, /) -> Writer:
        """Return what writes a blob."""
        ...

    def exists(self, name: str, /) -> bool:
        """Return whether there is such a blob."""
        ...

    def chunks(self, name: str, /) -> Iterator[bytes]:
        """Yield a blob in pieces, nothing where there is none.

        Raises:
            FileNotFoundError: A part of it is gone.
        """
        ...

    def delete(self, name: str, /) -> None:
        """Remove a blob, if there is one."""
        ...

    def stale(self, seconds: float, /) -> Iterator[str]:
        """Yield the names of what nobody has written to for so long, whoever has before."""
        ...
