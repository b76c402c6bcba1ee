"""uvicorn's HTTP/1.1 protocol within the bounds of its server's connections."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.api.problems import Failed, failed, failure_of
from service.errors import RequestTimeout, ServiceError, TooManyConnections
from service.server.connection_limits import ConnectionLimits
from service.server.connections import connections_of
from service.server.refusal import written

LINGER, LINGER_BEYOND = 5.0, 1.0
"""Seconds for which a client may go on sending after an early response, and where there are too
many connections."""
BEYOND = 256
"""Connections beyond the limit that get a response; others are closed without one."""
RETRY_AFTER = 1
"""Seconds after which a client beyond the limit should try again."""


class BoundedProtocol(HttpToolsProtocol):
    """The protocol of one connection: it tells the bounds what happens, and ends as they say.

    Attributes:
        bounds: Those of all connections of the server.
        unparsed: Bytes of the reads since the one in which a head, a part of a body or a request
            ended.
        received: Bytes of bodies that were received.
        is_in_head: Whether a head has begun that is not here as a whole.
        is_refused: Whether input could not be read, so that the start of the next request is
            unknown.
        linger_seconds: Seconds for which the client may go on sending after an early response.
    """

    unparsed = received = 0
    is_in_head = is_refused = False
    linger_seconds = LINGER

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        limits = getattr(self.config, "connections", ConnectionLimits())
        self.bounds = connections_of(self.server_state, limits)
        if not self.bounds.admit(self):
            self.linger_seconds = LINGER_BEYOND
            self.give_way(is_new=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self.bounds.leave(self)
        super().connection_lost(exc)

    def refuse(self, refusal: Failed) -> None:
        """Respond to what cannot be read, or not be waited for, and close the connection.

        A request whose body breaks off there is handled as one whose client has disconnected.
        """
        self.bounds.leave(self)
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.is_refused = True
        self.transport.write(written(refusal, self.server_state.default_headers))
        self.transport.close()

    def _fail(self, error: ServiceError) -> None:
        path = self.scope.get("path", "/") if self.scope else "/"
        self.refuse(failed(failure_of(path), error))

    def _has_begun(self) -> bool:
        """Return whether anything of the next request has come."""
        return self.is_in_head or self.unparsed > 0

    def has_more(self) -> bool:
        return self.cycle is not None and self.cycle.more_body and not self.cycle.disconnected

    def reads(self) -> bool:
        return not (self.flow.read_paused or self.cycle.waiting_for_100_continue)

    def unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def end_idle(self) -> None:
        self.transport.close()

    def end_head(self, seconds: float) -> None:
        if self._has_begun():
            self._fail(
                RequestTimeout(f"head: expected all of it within {seconds:g} s, received its start")
            )
        else:
            self.bounds.leave(self)
            self.transport.close()

    def end_body(self, rate: int, received: int, seconds: float) -> None:
        if self.cycle.response_complete:  # before the body was here
            self.bounds.leave(self)
            self.transport.close()
            return
        if self.cycle.response_started:
            self.end_response()
            return
        self._fail(
            RequestTimeout(
                f"body: expected at least {rate} bytes a second, received {received} in "
                f"{seconds:g} s"
            )
        )

    def end_response(self) -> None:
        self.transport.abort()

    def give_way(self, *, is_new: bool = False) -> None:
        most = self.bounds.limits.connections
        if not (is_new or self._has_begun()):
            self.transport.close()
        elif len(self.connections) > most + BEYOND:
            self.transport.abort()
        else:
            self._fail(TooManyConnections(most, retry_after=RETRY_AFTER))

    def pause_writing(self) -> None:
        self.bounds.send(self)
        super().pause_writing()
