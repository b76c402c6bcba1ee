"""Bounds on connections: how many, how long for a head, how slowly they may send or read.

A client that takes its time holds a connection alone: whoever waits for nothing but its next bytes
is looked at once a second, and makes way for others when there are as many as may be.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, takewhile
from typing import Protocol
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

from service.server.connection_limits import ConnectionLimits

LOOK = 1.0
"""Seconds between two looks at the connections that are watched."""
MOST, SOON = 100, 0.05
"""Connections that are closed at a time, and seconds to the next time while there are more: to
close 2,000 at once takes half a second, in which nobody else is served."""
WINDOW = 10.0
"""Seconds over which the rate of a body is measured: a phone changes its cell in less."""

log = logging.getLogger("service")


class Connection(Protocol):
    """A connection, as far as these bounds need it.

    Attributes:
        received: Bytes of bodies that it has received.
    """

    received: int

    def has_more(self) -> bool:
        """Return whether more of a body is to come."""

    def reads(self) -> bool:
        """Return whether it takes what the client sends, or holds it back."""

    def unsent(self) -> int:
        """Return the bytes of responses that the client has not read."""

    def end_head(self, seconds: float) -> None:
        """Close a connection whose head is not here in time."""

    def end_body(self, rate: int, received: int, seconds: float) -> None:
        """Close a connection of whose body so many bytes came in so many seconds."""

    def end_response(self) -> None:
        """Close a connection whose client reads too slowly."""

    def give_way(self) -> None:
        """Close a connection that has no request, or has not sent all of the head of one."""

    def end_idle(self) -> None:
        """Close a connection between two requests."""


@dataclass(slots=True)
class _Rate:
    """When a measurement began, and how much there was then."""

    since: float
    amount: int


class Connections:
    """The connections of one server.

    Attributes:
        limits: What they may take.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: set[Connection] = set()
        # In the order in which they began to wait: for a next request, for the rest of a head.
        self._idle: dict[Connection, float] = {}
        self._waiting: dict[Connection, float] = {}
        self._bodies: dict[Connection, _Rate] = {}
        self._responses: dict[Connection, _Rate] = {}
        self._ended: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def admit(self, connection: Connection) -> bool:
        """Count a new connection, unless there are too many that are at work."""
        most = self.limits.connections
        if most and len(self._open) >= most:
            oldest = next(chain(self._idle, self._waiting), None)
            if oldest is None:
                self._end("beyond the limit")
                return False
            self.leave(oldest)
            oldest.give_way()
            self._end("that gave way to others")
        self._open.add(connection)
        self.wait(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self._open.discard(connection)
        for each in (self._idle, self._waiting, self._bodies, self._responses):
            each.pop(connection, None)

    def rest(self, connection: Connection) -> None:
        """Wait for the next request of a connection."""
        self._idle[connection] = asyncio.get_running_loop().time()
        if self._timer is None:
            self._look_later()

    def wait(self, connection: Connection) -> None:
        """Wait for the head of a request from now on, which has begun or is the first."""
        self._idle.pop(connection, None)
        if connection in self._open:
            self._waiting[connection] = asyncio.get_running_loop().time()
            self._look_later()

    def begin(self, connection: Connection) -> None:
        """Learn that the head of a request is here."""
        self._idle.pop(connection, None)
        self._waiting.pop(connection, None)

    def receive(self, connection: Connection) -> None:
        """Watch how fast a body comes."""
        if connection not in self._bodies:
            self._watch(self._bodies, connection, connection.received)

    def send(self, connection: Connection) -> None:
        """Watch how fast a response is read."""
        self._watch(self._responses, connection, connection.unsent())

    def _watch(self, kind: dict[Connection, _Rate], connection: Connection, amount: int) -> None:
        if self.limits.rate:
            kind[connection] = _Rate(asyncio.get_running_loop().time(), amount)
            self._look_later()

    def _look_later(self, seconds: float = LOOK) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        """Close what is too slow."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        late = [*islice(_older(self._waiting, now - (self.limits.head_seconds or now)), MOST)]
        idle = [*islice(_older(self._idle, now - self.limits.idle_seconds), MOST)]
        slow = [*islice(self._slow(now), MOST)]
        unread = [*islice(self._unread(now), MOST)]
        for connection in idle:
            self.leave(connection)
            connection.end_idle()
        for connection in late:
            connection.end_head(self.limits.head_seconds)
            self._ended["without a head in time"] += 1
        for connection, received in slow:
            connection.end_body(self.limits.rate, received, WINDOW)
            self._ended["with a slow body"] += 1
        for connection in unread:
            connection.end_response()
            self._ended["whose response was not read"] += 1
        has_more = MOST in (len(idle), len(late), len(slow), len(unread))
        if self._ended and not has_more:
            told = ", ".join(f"{count} {why}" for why, count in self._ended.items())
            log.warning("closed connections: %s; %d are open", told, len(self._open))
            self._ended.clear()
        if self._idle or self._waiting or self._bodies or self._responses or self._ended:
            self._look_later(SOON if has_more else LOOK)

    def _slow(self, now: float) -> Iterator[tuple[Connection, int]]:
        """Yield the connections whose body comes too slowly, and what of it came in WINDOW."""
        for connection, rate in [*self._bodies.items()]:
            received = connection.received - rate.amount
            if not connection.has_more():
                del self._bodies[connection]
            elif not connection.reads():
                self._bodies[connection] = _Rate(now, connection.received)
            elif now - rate.since >= WINDOW:
                if received < self.limits.rate * WINDOW:
                    yield connection, received
                self._bodies[connection] = _Rate(now, connection.received)

    def _unread(self, now: float) -> Iterator[Connection]:
        """Yield the connections whose response is read too slowly."""
        seconds = self.limits.read_seconds
        for connection, rate in [*self._responses.items()]:
            unsent = connection.unsent()
            if not unsent:
                del self._responses[connection]
            elif now - rate.since >= seconds:
                if rate.amount - unsent < self.limits.rate * seconds:
                    yield connection
                self._responses[connection] = _Rate(now, unsent)

    def _end(self, why: str) -> None:
        self._ended[why] += 1
        self._look_later()


def _older(waiting: dict[Connection, float], most: float) -> Iterator[Connection]:
    """Yield the connections that have waited from a time on, or before it."""
    return takewhile(lambda each: waiting[each] <= most, waiting)


_of_server: WeakKeyDictionary[ServerState, Connections] = WeakKeyDictionary()


def connections_of(state: ServerState, limits: ConnectionLimits) -> Connections:
    """Return the connections of the server that a state is of."""
    found = _of_server.get(state)
    if found is None:
        found = _of_server[state] = Connections(limits)
    return found
