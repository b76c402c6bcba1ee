"""uvicorn's HTTP protocol, spared of what costs most: system calls and copies.

The head of an answer goes out with its body: ASGI hands them over one by one, and each would be a
system call and a packet of its own. A large body is received where it stays: ASGI hands it over in
pieces that have been copied three times and must be joined. No more than a little of it is read
with its head, as that part is copied all the same.
"""

import asyncio
import sys
import weakref
from functools import partial
from typing import Any

import numpy as np
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.api.body import BODY_AT_HAND, WHOLE_BODY
from service.api.request import ABORT
from service.server.buffered_transport import Corked
from service.server.http1 import Http1
from service.server.readers import Discarding, Incoming, Reader, space

LINGER = 5.0
"""Seconds that a client may go on sending what will not be read."""

Asking = weakref.ref[RequestResponseCycle]
"""The cycle of the request whose body is asked for."""


class Protocol(Http1):
    """A connection whose answers go out in one piece, and whose large bodies come in in one."""

    _lingers = False
    _is_over = False
    """Whether the last request has come, so that whatever else does is nothing to be answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if sys.platform != "win32":
            self.reader = Reader(self, space())
            transport.set_protocol(self.reader)
        super().connection_made(Corked(transport, self.linger))  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        if not self._is_over:
            super().data_received(data)

    def on_request(self) -> None:
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
        if received == length:
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

    def linger(self) -> bool:
        """Leave the connection open for what the client still sends, and say whether it does.

        A connection that is closed with anything unread is reset, and the client may lose the
        answer that says why (RFC 9112, section 9.6).
        """
        if self._lingers or self.cycle is None or self.cycle.disconnected:
            return False
        self._lingers = self.cycle.more_body and self.transport.can_write_eof()
        if self._lingers:
            self.transport.write_eof()
            self.read_with(Discarding(self, space()))
            self.loop.call_later(LINGER, self.transport.close)
        return self._lingers

    def go_on(self) -> None:
        """Be ready for the next request: the parser has not seen the end of this one's body."""
        self.parser = self.new_parser()
        self._is_over = not self.cycle.keep_alive
        self.read_with(self.reader)
        self.on_message_complete()
