"""How a connection reads: heads and short bodies, the rest of a large body, what nobody wants."""

import asyncio
import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.server.http_protocol import Protocol

SPACE = 32 * 1024
"""Bytes that are read at once, but for large bodies."""


@functools.cache
def space() -> memoryview:
    """Return where all connections are read into: a loop reads one and hands on what it read.

    The one of Windows does not: it asks for space first and reads when there is something.
    """
    return memoryview(bytearray(SPACE))


class Reader(asyncio.BufferedProtocol):
    """What a connection reads with: into space of its own, for the HTTP protocol to go through."""

    def __init__(self, http: "Protocol", space: memoryview) -> None:
        self._http = http
        self._space = space

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - as asyncio has it
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        self._http.data_received(bytes(self._space[:nbytes]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._http.connection_lost(exc)

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()


class Incoming(Reader):
    """What a connection reads with while the rest of a body comes in, which fills the space."""

    def __init__(self, http: "Protocol", space: memoryview) -> None:
        super().__init__(http, space)
        self.is_whole: asyncio.Future[bool] = http.loop.create_future()

    def buffer_updated(self, nbytes: int) -> None:
        self._space = self._space[nbytes:]
        if not self._space:
            self._http.go_on()
            self._end(is_whole=True)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._end(is_whole=False)

    def _end(self, *, is_whole: bool) -> None:
        if not self.is_whole.done():
            self.is_whole.set_result(is_whole)


class Discarding(Reader):
    """What a connection reads with whose request has been answered before it was all there."""

    def buffer_updated(self, nbytes: int) -> None:
        pass
