"""uvicorn's HTTP/1.1 protocol: one write a response, no upgrade, large bodies in place.

It overrides methods of uvicorn's HttpToolsProtocol, which promises no stable interface: the lock
pins uvicorn, and tests/service/test_protocol.py holds over sockets what is built on it.
"""

import asyncio
import sys
import weakref
from functools import partial
from http import HTTPStatus
from typing import Any

import httptools
import numpy as np
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.api.body import BODY_AT_HAND, WHOLE_BODY
from service.api.problems import Failed
from service.api.request import ABORT, LIVE_BODY, READ_BOUNDED
from service.errors import is_shortage
from service.server import head
from service.server.buffered_reader import BufferedReader
from service.server.closing_protocol import ClosingProtocol
from service.server.refusal import plain
from service.server.response_cycle import DefaultHeaders, UntilClose

FRAMING = (b"content-length", b"transfer-encoding")
"""Headers that say where a body ends."""
NOTHING = memoryview(b"")
INVALID = plain(HTTPStatus.BAD_REQUEST, "Invalid HTTP request received.")

Request = weakref.ref[RequestResponseCycle]


class Protocol(ClosingProtocol):
    """The HTTP/1.1 protocol of one connection."""

    url = b""
    _replays = False
    """Whether the parser reads a head for the second time, which has been reported already."""
    unfilled = NOTHING
    """The rest of the memory for a large body that is being received."""
    _is_live = False
    """Whether the body that is being received may come as slowly as it does."""
    _fault: Failed | None = None
    """The response to a head that is whole and refused."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if sys.platform != "win32":
            transport.set_protocol(BufferedReader(self))
        self._headers = DefaultHeaders(self.server_state)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self.discards or self.refusal:
            self.received += len(data)
            return
        is_first = not self.unparsed
        self.unparsed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except (httptools.HttpParserError, MemoryError) as error:
            if is_shortage(error) or is_shortage(error.__context__):  # of what the parser called
                self.end_short_of_memory()
            else:
                self.refuse(self._fault or head.beyond_bounds(self.url, self.headers) or INVALID)
        else:
            if self.unparsed > head.LONGEST_HEAD:
                self.refuse(head.too_long())
            elif self.cycle is not None and self.cycle.more_body:
                if not self._is_live:
                    self.table.wait_for_body(self)
                if self.cycle.response_complete:  # it is idle from the last bytes of the body on
                    self.table.wait_for_request(self)
            elif is_first and (self.cycle is None or self.cycle.response_complete):
                self.table.wait_for_head(self)  # for the rest of a head, from its first bytes on

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Read the body of a request that offers another protocol.

        Java's client and `curl --http2` offer HTTP/2 with their first request. A server may ignore
        the offer (RFC 9110, section 7.8), but the parser does not: it leaves the body unread, which
        would then be the next request. A new parser gets the head's framing, then the body.
        """
        framing = [b"%s: %s\r\n" % each for each in self.headers if each[0] in FRAMING]
        self.parser = _parser(self)
        self._replays = True
        try:
            self.parser.feed_data(b"".join((b"POST / HTTP/1.1\r\n", *framing, b"\r\n")))
        except httptools.HttpParserError:  # framing that is not looked at in such a request
            self.refuse(INVALID)
            return
        finally:
            self._replays = False
        if rest:
            self.data_received(rest)

    def on_message_begin(self) -> None:
        if not self._replays:
            self.is_in_head = True
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._replays:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._replays:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.unparsed = 0
        if self._replays:
            return
        self.is_in_head = False
        self.table.begin(self)
        self._is_live = False
        self._fault = head.beyond_bounds(self.url, self.headers) or head.wrong_host(
            self.headers, self.parser.get_http_version()
        )
        if self._fault:
            raise ValueError("head: expected one that is read, received another")
        super().on_headers_complete()
        self.cycle.default_headers = self._headers
        if self.scope["http_version"] == "1.0":
            self.cycle.__class__ = UntilClose
        # Of its own cycle, as a pipelined request replaces self.cycle. By a weak reference: the
        # cycle holds the scope, and a circle would be left to the garbage collector.
        request = weakref.ref(self.cycle)
        extensions: dict[str, Any] = {
            ABORT: self.transport.abort,
            BODY_AT_HAND: partial(_body_at_hand, request),
            READ_BOUNDED: self.table.limits.rate > 0,
            LIVE_BODY: partial(self._live_body, request),
        }
        if sys.platform != "win32":
            extensions[WHOLE_BODY] = partial(self._whole_body, request)
        self.scope["extensions"] = extensions

    def _live_body(self, request: Request) -> None:
        """Let a body come as slowly as it does: a sensor sends a row when it has one."""
        cycle = request()
        if cycle is self.cycle:  # not of an earlier request than that which is received
            self._is_live = True
            self.table.stop_measuring_body(self)

    async def _whole_body(self, request: Request, length: int) -> memoryview | None:
        """Return a body whose head declares its length, None if the client goes first.

        It replaces receive(), which hands a body over in copies of copies, to be joined: 15 % less
        of the server's processor time for 8 MB.
        """
        cycle = request()
        if cycle is None or cycle.disconnected:
            return None
        if cycle.waiting_for_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        body = np.empty(length, np.uint8).data  # a bytearray would be filled with zeros first
        received = len(cycle.body)
        body[:received] = cycle.body
        cycle.body = bytearray()
        if cycle.more_body:  # then it is the last request whose head has come: self.cycle
            self.unfilled = body[received:]
            self.flow.resume_reading()
            try:
                while cycle.more_body and not cycle.disconnected:
                    cycle.message_event.clear()
                    await cycle.message_event.wait()
            finally:
                self.unfilled = NOTHING
        return None if cycle.disconnected else body

    def body_received(self, size: int) -> None:
        """Count what was received into a body's memory; go on with a new parser at its end."""
        self.received += size
        self.unfilled = self.unfilled[size:]
        if not self.unfilled:
            self.parser = _parser(self)
            self.discards = not self.cycle.keep_alive
            self.on_message_complete()

    def on_body(self, body: bytes) -> None:
        self.unparsed = 0
        self.received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.unparsed = 0
        if not self.parser.should_upgrade():
            if self.cycle.response_complete:
                self.cycle.more_body = False
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, as uvicorn does, which starts a timer if there is none.

        The table closes a connection that stays idle: a timer that each request sets and cancels
        takes 2 us, the table 0.4.
        """
        self.transport.flush()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.refusal:
            self.respond_refusal(self.refusal)
        elif self.is_in_head:
            self.table.wait_for_head(self)
        else:
            self.table.wait_for_request(self)


def _parser(protocol: Protocol) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
    return parser


def _body_at_hand(request: Request) -> bytes | None:
    """Return a body that came with its head, None if some of it is still to come.

    It replaces receive(), which takes a turn of the event loop.
    """
    cycle = request()
    if cycle is None or cycle.more_body or cycle.disconnected:
        return None
    body = bytes(cycle.body)
    cycle.body = bytearray()
    return body
