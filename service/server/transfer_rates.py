"""Least rates at which clients send the bodies of requests and read responses."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.server.connection import Connection
from service.server.limits import ConnectionLimits

WINDOW = 10.0
"""Seconds over which the rate of a body is measured: a phone changes its cell in less."""


@dataclass(slots=True)
class _Start:
    """When a measurement began, and how many bytes had been transferred by then."""

    time: float
    amount: int


@dataclass(slots=True)
class _Reading:
    """Two measurements of how fast is read: one of late, one since something was first unread."""

    late: _Start
    whole: _Start


class TransferRates:
    """The rates of the connections that are waited for."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._bodies: dict[Connection, _Start] = {}
        self._responses: dict[Connection, _Reading] = {}

    def __bool__(self) -> bool:
        """Return whether any rate is measured."""
        return bool(self._bodies or self._responses)

    def measure_body(self, connection: Connection, now: float) -> None:
        """Measure how fast a body comes, unless that is done already."""
        if connection not in self._bodies:
            self._bodies[connection] = _Start(now, connection.received)

    def measure_response(self, connection: Connection, now: float) -> None:
        """Measure how fast a response is read, from now on."""
        start = _Start(now, connection.read())
        found = self._responses.get(connection)
        self._responses[connection] = _Reading(start, found.whole if found else start)

    def forget_body(self, connection: Connection) -> None:
        """Measure nothing of a body any more."""
        self._bodies.pop(connection, None)

    def forget(self, connection: Connection) -> None:
        """Measure nothing of a connection any more."""
        self.forget_body(connection)
        self._responses.pop(connection, None)

    def slow_bodies(self, now: float) -> Iterator[tuple[Connection, int]]:
        """Yield the connections whose body comes too slowly, and what of it came in WINDOW."""
        for connection, start in [*self._bodies.items()]:
            received = connection.received - start.amount
            if not connection.has_more():
                del self._bodies[connection]
            elif not connection.reads():
                self._bodies[connection] = _Start(now, connection.received)
            elif now - start.time >= WINDOW:
                if received < self._limits.rate * WINDOW:
                    yield connection, received
                self._bodies[connection] = _Start(now, connection.received)

    def slow_readers(self, now: float) -> Iterator[Connection]:
        """Yield the connections whose response is read too slowly."""
        limits = self._limits
        for connection, reading in [*self._responses.items()]:
            read, late, whole = connection.read(), reading.late, reading.whole
            expected = limits.read_rate * (now - whole.time - limits.lag_seconds)
            if not connection.unread():
                del self._responses[connection]
            elif read - whole.amount < expected:
                yield connection
            elif now - late.time >= limits.read_seconds:
                if read - late.amount < limits.rate * limits.read_seconds:
                    yield connection
                reading.late = _Start(now, read)
