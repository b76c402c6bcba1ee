"""uvicorn's HTTP protocol, spared of what costs most: system calls and copies.

The head of an answer goes out with its body: ASGI hands them over one by one, and each would be a
system call and a packet of its own. A large body is received where it stays: ASGI hands it over in
pieces that have been copied three times and must be joined. No more than a little of it is read
with its head, as that part is copied all the same.
"""

import asyncio
import functools
import sys
import weakref
from functools import partial
from typing import Any

import httptools
import numpy as np
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.api.body import BODY_AT_HAND, WHOLE_BODY
from service.api.exchange import ABORT

SHORT = 1024
"""Bytes of a part of a body that cost less to copy than to send by themselves."""
SPACE = 32 * 1024
"""Bytes that are read at once, but for large bodies."""

Asking = weakref.ref[RequestResponseCycle]
"""The cycle of the request whose body is asked for."""


@functools.cache
def _space() -> memoryview:
    """Where all connections are read into: an event loop reads one and hands on what it read.

    The one of Windows does not: it asks for space first and reads when there is something.
    """
    return memoryview(bytearray(SPACE))


class Protocol(HttpToolsProtocol):
    """A connection whose answers go out in one piece, and whose large bodies come in in one."""

    _is_over = False
    """Whether the last request has come, so that whatever else does is nothing to be answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if sys.platform != "win32":
            self.reader = Reader(self, _space())
            transport.set_protocol(self.reader)
        super().connection_made(Corked(transport))  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        if not self._is_over:
            super().data_received(data)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        # Its own cycle: by the time that it asks, the head of the next request may have come. The
        # cycle has the scope, so that held by it, it would be left to the garbage collector.
        cycle = weakref.ref(self.cycle)
        whole, at_hand = partial(self._whole_body, cycle), partial(self._body_at_hand, cycle)
        extensions: dict[str, Any] = {ABORT: self.transport.abort, BODY_AT_HAND: at_hand}
        if sys.platform != "win32":
            extensions[WHOLE_BODY] = whole
        self.scope["extensions"] = extensions

    def on_response_complete(self) -> None:
        self.transport.flush()  # type: ignore[attr-defined]
        super().on_response_complete()

    def _body_at_hand(self, asking: Asking) -> bytes | None:
        """Return a body that came with its head, None where some of it is still to come.

        It stands in for receive(), which would take a turn of the event loop to say the same.
        """
        cycle = asking()
        if cycle is None or cycle.more_body or cycle.disconnected:
            return None
        body = bytes(cycle.body)
        cycle.body = bytearray()
        return body

    async def _whole_body(self, asking: Asking, length: int) -> memoryview | None:
        """Return all of a body of a Content-Length, None where it breaks off.

        It stands in for receive(), by which no part of the body may have been received before.
        """
        cycle = asking()
        if cycle is None or cycle.disconnected:
            return None
        if cycle.waiting_for_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        body = np.empty(length, np.uint8).data  # a bytearray would be filled with zeros first
        received = len(cycle.body)
        body[:received] = cycle.body
        cycle.body = bytearray()
        if not cycle.more_body:
            return body
        incoming = Incoming(self, body[received:])
        self.read_with(incoming)
        return body if await incoming.is_whole else None

    def read_with(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand what comes in from now on to a protocol; how it is read depends on its kind."""
        self.transport.pause_reading()
        self.transport.set_protocol(protocol)
        self.flow.read_paused = False
        self.transport.resume_reading()

    def go_on(self) -> None:
        """Be ready for the next request: the parser has not seen the end of this one's body."""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._is_over = not self.cycle.keep_alive
        self.read_with(self.reader)
        self.on_message_complete()


class Reader(asyncio.BufferedProtocol):
    """What a connection reads with: into space of its own, for the HTTP protocol to go through."""

    def __init__(self, http: Protocol, space: memoryview) -> None:
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

    def __init__(self, http: Protocol, space: memoryview) -> None:
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


class Corked:
    """A transport that holds the head of an answer until its body comes, or enough of it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes | memoryview) -> None:
        if self._head:
            head, self._head = self._head, b""
            if 0 < len(data) < SHORT:
                self._head = head + data
            else:
                self._transport.writelines((head, data))
        elif data[:7] == b"HTTP/1." and data[9:12] != b"100":
            self._head = data  # type: ignore[assignment]
        else:
            self._transport.write(data)

    def flush(self) -> None:
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
