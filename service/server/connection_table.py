"""The connections of a server: how many there are, and which make way for others.

A client that takes its time holds a connection alone: whoever waits for nothing but its next bytes
is checked once a second, and makes way for others when there are as many as may be.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice, takewhile
from typing import TypeVar
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

from service.server import transfer_rates
from service.server.connection import Connection
from service.server.limits import BEYOND, ConnectionLimits
from service.server.transfer_rates import TransferRates

CHECK_SECONDS = 1.0
"""Seconds between two checks of the connections that are waited for."""
CLOSED_AT_ONCE, NEXT_SECONDS = 100, 0.05
"""Connections that are closed at a time, and seconds to the next time while there are more: to
close 2,000 at once takes half a second, in which nobody else is served."""

log = logging.getLogger("service")
T = TypeVar("T")


class ConnectionTable:
    """The connections of one server.

    Attributes:
        limits: What they may take.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: set[Connection] = set()
        # In the order in which they began: to close, to wait for a next request, or for the rest
        # of a head.
        self._closing: dict[Connection, None] = {}
        self._idle: dict[Connection, float] = {}
        self._waiting: dict[Connection, float] = {}
        self._rates = TransferRates(limits)
        self._ended: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Return how many connections there are, with those that are being closed."""
        return len(self._open)

    def admit(self, connection: Connection) -> bool:
        """Count a new connection; others make way for it.

        Returns:
            Whether there is room for it: not where too many others are at work.
        """
        self._open.add(connection)
        most = self.limits.connections
        if most and len(self._open) > most + BEYOND and self._closing:
            oldest = next(iter(self._closing))
            self.remove(oldest)
            oldest.abort()
        if most and len(self._open) - len(self._closing) > most:
            waits = next(chain(self._idle, self._waiting), None)
            if waits is None:
                self._count("beyond the limit")
                return False
            waits.evict()
            self._count("that made way for others")
        self.wait_for_head(connection)
        return True

    def close(self, connection: Connection) -> None:
        """Learn that a connection is being closed: it counts until it is."""
        self._idle.pop(connection, None)
        self._waiting.pop(connection, None)
        if connection in self._open:
            self._closing.setdefault(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self.close(connection)
        self._open.discard(connection)
        self._closing.pop(connection, None)
        self._rates.forget(connection)

    def wait_for_request(self, connection: Connection) -> None:
        """Wait for the next request of a connection, from now on."""
        self._idle.pop(connection, None)  # it goes to the end
        self._idle[connection] = asyncio.get_running_loop().time()
        if self._timer is None:
            self._check_later()

    def wait_for_head(self, connection: Connection) -> None:
        """Wait for the head of a request from now on, which has begun or is the first."""
        self._idle.pop(connection, None)
        self._waiting.pop(connection, None)  # it goes to the end
        if connection in self._open:
            self._waiting[connection] = asyncio.get_running_loop().time()
            self._check_later()

    def begin(self, connection: Connection) -> None:
        """Learn that the head of a request is here."""
        self._idle.pop(connection, None)
        self._waiting.pop(connection, None)

    def wait_for_body(self, connection: Connection) -> None:
        """See to it that a body comes fast enough."""
        if self.limits.rate:
            self._rates.measure_body(connection, asyncio.get_running_loop().time())
            self._check_later()

    def stop_measuring_body(self, connection: Connection) -> None:
        """Let the rest of a body come at any rate."""
        self._rates.forget_body(connection)

    def wait_for_reader(self, connection: Connection) -> None:
        """See to it that a response is read fast enough."""
        if self.limits.rate or self.limits.read_rate:
            self._rates.measure_response(connection, asyncio.get_running_loop().time())
            self._check_later()

    def _check_later(self, seconds: float | None = None) -> None:
        if self._timer is None:
            seconds = CHECK_SECONDS if seconds is None else seconds
            self._timer = asyncio.get_running_loop().call_later(seconds, self._check)

    def _check(self) -> None:
        """Close what is too slow."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        head_seconds = self.limits.head_seconds
        late = _first(_older(self._waiting, now - (head_seconds or now)))
        idle = _first(_older(self._idle, now - self.limits.idle_seconds))
        slow = _first(self._rates.slow_bodies(now))
        unread = _first(self._rates.slow_readers(now))
        for connection in idle:
            connection.end_idle()
        for connection in late:
            connection.end_head(head_seconds)
            self._ended["without a head in time"] += 1
        for connection, received in slow:
            connection.end_body(self.limits.rate, received, transfer_rates.WINDOW)
            self._ended["with a slow body"] += 1
        for connection in unread:
            connection.abort()
            self._ended["whose response was not read"] += 1
        has_more = CLOSED_AT_ONCE in (len(idle), len(late), len(slow), len(unread))
        if self._ended and not has_more:
            told = ", ".join(f"{count} {why}" for why, count in self._ended.items())
            log.warning("closed connections: %s; %d are open", told, len(self._open))
            self._ended.clear()
        if self._idle or self._waiting or self._rates or self._ended:
            self._check_later(NEXT_SECONDS if has_more else None)

    def _count(self, why: str) -> None:
        self._ended[why] += 1
        self._check_later()


def _first(found: Iterator[T]) -> list[T]:
    """Return as many as are closed at a time."""
    return [*islice(found, CLOSED_AT_ONCE)]


def _older(waiting: dict[Connection, float], most: float) -> Iterator[Connection]:
    """Yield the connections that have waited from a time on, or before it."""
    return takewhile(lambda each: waiting[each] <= most, waiting)


_of_server: WeakKeyDictionary[ServerState, ConnectionTable] = WeakKeyDictionary()


def connections_of(state: ServerState, limits: ConnectionLimits) -> ConnectionTable:
    """Return the connections of the server that a state is of."""
    found = _of_server.get(state)
    if found is None:
        found = _of_server[state] = ConnectionTable(limits)
    return found
