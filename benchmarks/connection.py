"""A keep-alive connection of the load generator: one request in flight at a time."""

import asyncio
import random
import time
from typing import Protocol, cast

from benchmarks.answer import Answer

RECONNECT = 0.1
"""Seconds before a connection that was refused is tried again."""


class Owner(Protocol):
    """Whoever decides when connections ask, and counts what comes back."""

    def free(self, connection: "Connection") -> None:
        """A connection may ask."""

    def answered(self, connection: "Connection", answer: Answer, seconds: float) -> None:
        """A connection received an answer."""

    def closed(self, connection: "Connection", *, waiting: bool) -> None:
        """A connection was closed, maybe while waiting for an answer; it opens another one."""

    def refused(self, connection: "Connection") -> None:
        """A connection could not be opened; it will try again."""


class Connection(asyncio.Protocol):
    """A connection that comes back when it is lost.

    honours: whether it waits as long as the Retry-After of a 429 says before it is free again.
    """

    def __init__(self, owner: Owner, host: str, port: int, request: bytes, honours: bool) -> None:
        self.waiting = False
        self._owner = owner
        self._address = host, port
        self._request = request
        self._honours = honours
        self._answer = Answer()
        self._began = 0.0
        self._not_before = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._stopped = False

    def open(self) -> None:
        """Connect, now or as soon as it is possible."""
        self._opening = asyncio.ensure_future(self._open())

    def stop(self) -> None:
        """Close for good, whatever is due."""
        self._stopped = True
        self._opening.cancel()
        if self._timer:
            self._timer.cancel()
        self._drop()

    def ask(self, began: float) -> None:
        """Send the request; its latency counts from began, of time.perf_counter()."""
        self._began = began
        self.waiting = True
        assert self._transport is not None
        self._transport.write(self._request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._answer = Answer()
        self._go_on()

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        try:
            whole = answer.feed(data)
        except ValueError:
            self._drop()
            return
        if not whole:
            return
        now = time.perf_counter()
        self.waiting = False
        self._owner.answered(self, answer, now - self._began)
        if answer.status == 429 and self._honours:
            # Those told the same second would else all come back in the same instant.
            self._not_before = now + answer.retry_after * random.uniform(1, 2)
        if answer.closes:
            self._drop()
        else:
            self._answer = Answer()
            self._go_on()

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        if self._timer:
            self._timer.cancel()
        waiting, self.waiting = self.waiting, False
        self._owner.closed(self, waiting=waiting)
        if not self._stopped:
            self.open()

    def _go_on(self) -> None:
        """Say that this connection is free, no sooner than it may ask again."""
        if self._not_before:
            pause = self._not_before - time.perf_counter()
            if pause > 0:
                self._timer = asyncio.get_running_loop().call_later(pause, self._go_on)
                return
            self._not_before = 0.0
        self._owner.free(self)

    def _drop(self) -> None:
        if self._transport:
            self._transport.abort()

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.create_connection(lambda: self, *self._address)
            except OSError:
                self._owner.refused(self)
                await asyncio.sleep(RECONNECT)
            else:
                return
