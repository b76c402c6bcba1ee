"""Many connections that send one request to one server, in a closed or an open loop."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.answer import Answer
from benchmarks.connection import Connection
from benchmarks.tally import Tally

GRACE = 30.0
"""Seconds that answers may take which are still due when the time is over."""
TOGETHER = 64
"""Connections that are opened at once."""
INTRODUCTION = 5.0
"""Seconds in which those should have had a first answer."""
KEPT = 4
"""Connections whose last answer is kept."""


@dataclass(frozen=True)
class Plan:
    """What to send and how.

    request: a whole HTTP request. warm_up: seconds of load before those that count; with none, the
    load begins with the connections. rate: requests a second, None for closed loop. expected: the
    body that every 200 must have, None to look at none. keep: folder for the last answers of a few
    connections, to be checked afterwards.
    """

    host: str
    port: int
    request: bytes
    connections: int
    seconds: float
    warm_up: float = 0.0
    rate: float | None = None
    honour_retry_after: bool = False
    expected: bytes | None = None
    keep: Path | None = None


class Crowd:
    """The connections of a plan, when each of them asks, and what came back."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._tally = Tally()
        self._connections = [
            Connection(self, plan.host, plan.port, plan.request, plan.honour_retry_after)
            for _ in range(plan.connections)
        ]
        self._kept = dict.fromkeys(self._connections[:KEPT] if plan.keep else [], b"")
        self._strangers: set[Connection] = set()
        self._no_strangers = asyncio.Event()
        self._free: deque[Connection] = deque()
        self._gap = 1 / plan.rate if plan.rate else 0.0
        self._next = 0.0
        self._begun = self._over = False
        self._quiet = asyncio.Event()

    async def run(self) -> dict[str, Any]:
        """Connect, warm up, measure, wait for the answers still due; return what was seen."""
        if self._plan.warm_up:
            await self._introduce()
        else:
            self._open(self._connections)
        ticking = self._begin()
        await asyncio.sleep(self._plan.warm_up)
        self._tally = Tally()
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.sleep(self._plan.seconds)
        good = self._tally.good
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        self._over = True
        ticking.cancel()
        self._check_quiet()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), GRACE)
        for connection in self._connections:
            connection.stop()
        await asyncio.sleep(0.05)
        self._keep()
        return {
            "connections": self._plan.connections,
            "rate": self._plan.rate,
            "seconds": round(seconds, 3),
            "rps": round(good / seconds, 1),
            "statuses": self._tally.summaries(),
            "lost": self._tally.lost,
            "refused": self._tally.refused,
            "wrong": self._tally.wrong,
            "generator_cpu": round(cpu / seconds, 3),
        }

    def free(self, connection: Connection) -> None:
        if self._over:
            self._check_quiet()
        elif connection in self._strangers or (self._begun and not self._gap):
            connection.ask(time.perf_counter())
        else:
            self._free.append(connection)
            self._ask_what_is_due()

    def answered(self, connection: Connection, answer: Answer, seconds: float) -> None:
        self._met(connection)
        self._tally.count(answer.status, seconds)
        if answer.status != 200:
            return
        if connection in self._kept:
            self._kept[connection] = answer.body()
        if self._plan.expected is not None and answer.body() != self._plan.expected:
            self._tally.wrong += 1

    def closed(self, connection: Connection, *, waiting: bool) -> None:
        self._met(connection)
        self._tally.lost += waiting
        if connection in self._free:
            self._free.remove(connection)
        if self._over:
            self._check_quiet()

    def refused(self, connection: Connection) -> None:
        self._met(connection)
        self._tally.refused += 1

    async def _introduce(self) -> None:
        """Open the connections, and let each ask once, before the load begins.

        A server under full load takes new connections late: what those then wait is not what the
        requests of clients wait who are there.
        """
        for start in range(0, len(self._connections), TOGETHER):
            group = self._connections[start : start + TOGETHER]
            self._strangers = set(group)
            self._no_strangers.clear()
            self._open(group)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._no_strangers.wait(), INTRODUCTION)

    def _open(self, connections: Iterable[Connection]) -> None:
        for connection in connections:
            connection.open()

    def _met(self, connection: Connection) -> None:
        if self._strangers:
            self._strangers.discard(connection)
            if not self._strangers:
                self._no_strangers.set()

    def _begin(self) -> "asyncio.Task[None]":
        self._strangers.clear()
        self._begun = True
        self._next = time.perf_counter()
        waiting = list(self._free)
        self._free.clear()
        for connection in waiting:
            self.free(connection)
        return asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        while self._gap:
            self._ask_what_is_due()
            await asyncio.sleep(0.001)

    def _ask_what_is_due(self) -> None:
        now = time.perf_counter()
        while self._begun and self._free and self._next <= now:
            self._free.popleft().ask(self._next)
            self._next += self._gap

    def _keep(self) -> None:
        for number, body in enumerate(filter(None, self._kept.values())):
            assert self._plan.keep
            (self._plan.keep / str(number)).write_bytes(body)

    def _check_quiet(self) -> None:
        if not any(connection.waiting for connection in self._connections):
            self._quiet.set()
