"""uvicorn's HTTP protocol, spared of what costs most: system calls and copies.

The head and the body of an answer go out at once: ASGI hands them over one by one, and each would
be a system call and a packet of its own. A large body is received where it stays: ASGI hands it
over in pieces that have been copied three times and must be joined.
"""

import asyncio
import sys
from functools import partial
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.api.body import BODY_AT_HAND, WHOLE_BODY
from service.api.exchange import ABORT

BRIEF = 1024 * 1024
"""Bytes of memory that may be had without leaving the event loop."""


class Protocol(HttpToolsProtocol):
    """A connection whose answers go out in one piece, and whose large bodies come in in one."""

    _is_over = False
    """Whether the last request has come, so that whatever else does is nothing to be answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Corked(transport))  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        if not self._is_over:
            super().data_received(data)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        # Its own cycle: by the time that it asks, the head of the next request may have come.
        whole = partial(self._whole_body, self.cycle)
        at_hand = partial(self._body_at_hand, self.cycle)
        extensions: dict[str, Any] = {ABORT: self.transport.abort, BODY_AT_HAND: at_hand}
        if sys.platform != "win32":  # whose event loop hands on what it read all at once
            extensions[WHOLE_BODY] = whole
        self.scope["extensions"] = extensions

    def on_response_complete(self) -> None:
        self.transport.flush()  # type: ignore[attr-defined]
        super().on_response_complete()

    def _body_at_hand(self, cycle: RequestResponseCycle) -> bytes | None:
        """Return a body that came with its head, None where some of it is still to come.

        It stands in for receive(), which would take a turn of the event loop to say the same.
        """
        if cycle.more_body or cycle.disconnected:
            return None
        body = bytes(cycle.body)
        cycle.body = bytearray()
        return body

    async def _whole_body(self, cycle: RequestResponseCycle, length: int) -> bytearray | None:
        """Return all of a body of a Content-Length, None where it breaks off.

        It stands in for receive(), by which no part of the body may have been received before.
        """
        if cycle.waiting_for_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        # It is filled with zeros first, which takes its time.
        body = bytearray(length) if length <= BRIEF else await asyncio.to_thread(bytearray, length)
        if cycle.disconnected:
            return None
        received = len(cycle.body)
        body[:received] = cycle.body
        cycle.body = bytearray()
        if not cycle.more_body:
            return body
        incoming = Incoming(self, memoryview(body)[received:])
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
        self.read_with(self)
        self.on_message_complete()


class Incoming(asyncio.BufferedProtocol):
    """What a connection reads with while the rest of a body comes in."""

    def __init__(self, http: Protocol, space: memoryview) -> None:
        """space: where the rest of the body goes, as long as it is."""
        self.is_whole: asyncio.Future[bool] = http.loop.create_future()
        self._http = http
        self._space = space

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - as asyncio has it
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        self._space = self._space[nbytes:]
        if not self._space:
            self._http.go_on()
            self._end(is_whole=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._http.connection_lost(exc)
        self._end(is_whole=False)

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()

    def _end(self, *, is_whole: bool) -> None:
        if not self.is_whole.done():
            self.is_whole.set_result(is_whole)


class Corked:
    """A transport that holds the head of an answer until the first of its body comes."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes | memoryview) -> None:
        if self._head:
            head, self._head = self._head, b""
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
