"""Reads of a connection: a large body goes into its own memory, without a copy.

Its figure: docs/decisions/2026-11-29-large-bodies-in-place.md.
"""

import asyncio
from typing import Protocol

SPACE = memoryview(bytearray(32 * 1024))
"""What all connections read heads and short bodies into. It is small, as what is read of a large
body with its head is copied."""


class Parsing(Protocol):
    """The HTTP protocol of a connection, as far as a reader needs it.

    Attributes:
        unfilled: The rest of the memory for a large body that is being received; empty elsewhere.
    """

    unfilled: memoryview

    def body_received(self, size: int) -> None:
        """Count what was received into a body's memory."""

    def data_received(self, data: bytes) -> None:
        """Parse anything else."""

    def end_short_of_memory(self) -> None:
        """Refuse what there is no memory to receive."""

    def connection_lost(self, exc: Exception | None) -> None: ...

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...


class BufferedReader(asyncio.BufferedProtocol):
    """Receives for a connection: a large body into its own memory, anything else to be parsed.

    uvloop and asyncio read once for each get_buffer(), at once. Windows' loop does not: there, this
    is not used.
    """

    def __init__(self, http: Parsing) -> None:
        self._http = http
        self.connection_lost = http.connection_lost  # type: ignore[method-assign]
        self.pause_writing = http.pause_writing  # type: ignore[method-assign]
        self.resume_writing = http.resume_writing  # type: ignore[method-assign]

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - as asyncio calls it
        return self._http.unfilled or SPACE

    def buffer_updated(self, nbytes: int) -> None:
        if self._http.unfilled:
            self._http.body_received(nbytes)
        else:
            try:
                data = bytes(SPACE[:nbytes])
            except MemoryError:
                self._http.end_short_of_memory()
                return
            self._http.data_received(data)
