"""uvicorn's HTTP/1.1 protocol, with the ways in which a connection ends before its client wants."""

import asyncio
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.api.problems import Failed, failed, failure_of
from service.errors import InsufficientMemory, RequestTimeout, ServiceError, TooManyConnections
from service.server.buffered_transport import BufferedTransport
from service.server.connection_table import connections_of
from service.server.refusal import written

if TYPE_CHECKING:
    from service.server.config import Config

LINGER_SECONDS, LINGER_SECONDS_BEYOND = 5.0, 1.0
"""Seconds for which a client may go on sending after the last response, and where there are too
many connections; then as long again, if it sends fast enough."""
RETRY_AFTER = 1
"""Seconds after which a client beyond the limit should try again."""


class ClosingProtocol(HttpToolsProtocol):
    """The protocol of one connection: it tells the table what happens, and ends as that says.

    Attributes:
        table: All connections of the server.
        unparsed: Bytes of the reads since the one in which a head, a part of a body or a request
            ended.
        received: Bytes of bodies that were received.
        is_in_head: Whether a head has begun that is not here as a whole.
        refusal: The response to input that cannot be read, or is not waited for; the start of the
            next request is unknown then.
        discards: Whether input is dropped, as the last response has been sent.
    """

    config: "Config"
    transport: BufferedTransport  # type: ignore[assignment]
    unparsed = received = 0
    is_in_head = discards = False
    refusal: Failed | None = None
    _linger_seconds = LINGER_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(BufferedTransport(transport, self.linger))  # type: ignore[arg-type]
        self.table = connections_of(self.server_state, self.config.connections)
        if not self.table.admit(self):
            self._linger_seconds = LINGER_SECONDS_BEYOND
            self._refuse_beyond()

    def connection_lost(self, exc: Exception | None) -> None:
        self.table.remove(self)
        super().connection_lost(exc)

    def refuse(self, refusal: Failed) -> None:
        """Respond to what cannot be read, or not be waited for, and close the connection.

        The responses to the requests before it come first, whole. A request whose body breaks off
        there is handled as one whose client has disconnected. Where its own response has begun, the
        connection is dropped: whatever was sent would be a part of that. Where it has ended, there
        is nothing left to respond to.
        """
        self.refusal = refusal
        is_due = self.cycle is None or self.cycle.response_complete
        if self.cycle is not None and self.cycle.more_body:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if is_due:
                self.transport.close()
                return
            if self.cycle.response_started:
                self.transport.abort()
                return
            if self.pipeline:
                self.pipeline.popleft()  # it waits for others, and is not run
            else:
                is_due = True
        if is_due:
            self.respond_refusal(refusal)

    def respond_refusal(self, refusal: Failed) -> None:
        """Send the response to what cannot be read, and close the connection."""
        self.transport.write(written(refusal, self.server_state.default_headers))
        self.transport.close()

    def _fail(self, error: ServiceError) -> None:
        path = self.scope.get("path", "/") if self.scope else "/"
        self.refuse(failed(failure_of(path), error))

    def _refuse_beyond(self) -> None:
        self._fail(TooManyConnections(self.table.limits.connections, retry_after=RETRY_AFTER))

    def _has_begun(self) -> bool:
        """Return whether anything of the next request has come."""
        return self.is_in_head or self.unparsed > 0

    def has_more(self) -> bool:
        return self.cycle is not None and self.cycle.more_body and not self.cycle.disconnected

    def reads(self) -> bool:
        return not (self.flow.read_paused or self.cycle.waiting_for_100_continue)

    def unread(self) -> int:
        size: int = self.transport.get_write_buffer_size()
        return size

    def read(self) -> int:
        return self.transport.written - self.unread()

    def end_idle(self) -> None:
        self.transport.close()

    def end_head(self, seconds: float) -> None:
        if self._has_begun():
            self._fail(
                RequestTimeout(f"head: expected all of it within {seconds:g} s, received its start")
            )
        else:
            self.transport.close()

    def end_body(self, rate: int, received: int, seconds: float) -> None:
        self._fail(
            RequestTimeout(
                f"body: expected at least {rate} bytes a second, received {received} in "
                f"{seconds:g} s"
            )
        )

    def evict(self) -> None:
        if self._has_begun():
            self._linger_seconds = LINGER_SECONDS_BEYOND
            self._refuse_beyond()
        else:
            self.transport.close()

    def end_short_of_memory(self) -> None:
        """Refuse what there is no memory to receive, and close the connection."""
        self._fail(InsufficientMemory(retry_after=RETRY_AFTER))

    def abort(self) -> None:
        self.transport.abort()

    def pause_writing(self) -> None:
        self.table.wait_for_reader(self)
        super().pause_writing()

    def linger(self) -> bool:
        """Half-close the connection if its client still sends; return whether it does.

        A connection that is closed with input unread is reset, and the client may lose the response
        that says why (RFC 9112, section 9.6).
        """
        self.table.close(self)
        if self.unread():
            self.table.wait_for_reader(self)
        if self.discards:
            return False
        waits = self.cycle is not None and not self.cycle.disconnected and self.cycle.more_body
        self.discards = (self.refusal is not None or waits) and self.transport.can_write_eof()
        if self.discards:
            self.transport.write_eof()
            self.flow.resume_reading()
            self.loop.call_later(self._linger_seconds, self._end_linger, self.received)
        return self.discards

    def _end_linger(self, received: int) -> None:
        """Close the connection, unless what its client sends comes fast enough."""
        seconds = self._linger_seconds
        if self.received - received >= max(1, self.table.limits.rate * seconds):
            self.loop.call_later(seconds, self._end_linger, self.received)
        else:
            self.transport.close()
