"""A service in simulated time, as events: real admission, queues and throughput; no real run."""

import asyncio
import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from service.inference.admission import Admission
from service.inference.estimates import Throughput
from service.inference.model import MEASURED_RUNS
from service.inference.queue import Job, Queue, TileQueue
from service.inference.ticket import Ticket
from service.inference.tiling.layout import MAX_QUEUED, Tiling

THUMBNAIL = 28 * 28
TILING = Tiling(stride=8, halo=56, multiple=8)
MAX_BATCH = 64


@dataclass(frozen=True)
class Cost:
    """What a run takes: seconds of its own, and of each number."""

    run: float
    number: float


class Clock:
    """Simulated time, in place of time.perf_counter(): a queue of things to do."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def __call__(self) -> float:
        return self.now

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, action))

    def run(self, seconds: float) -> None:
        """Let so much time pass, or less if nothing is left to do."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, action = heapq.heappop(self._events)
            action()


class SimulatedSession:
    """Runs one batch at a time, as a batcher does, and takes the time that a cost says."""

    def __init__(
        self, clock: Clock, queue: Queue, cost: Cost, chance: random.Random, warm: int
    ) -> None:
        """warm: numbers of the run that is measured before the first request comes."""
        self.cost = cost
        self.throughput = Throughput()
        self._clock = clock
        self._queue = queue
        self._chance = chance
        self._is_busy = False
        self._answers: dict[int, Callable[[float], None]] = {}
        self._loop = asyncio.new_event_loop()
        self._loop.close()  # futures want one, which need not run
        for _ in range(MEASURED_RUNS):
            self._warm_up(warm)

    def submit(self, shape: tuple[int, ...], answer: Callable[[float], None]) -> None:
        """Queue inputs of a shape; answer is called at the end with the time at which it began."""
        array = np.broadcast_to(np.float32(0), shape)
        future: asyncio.Future[object] = asyncio.Future(loop=self._loop)
        job = Job(array, None, None, future, self._clock.now)  # type: ignore[arg-type]
        self._answers[id(job)] = answer
        self._queue.push(job)
        if not self._is_busy:
            self._next()

    def _next(self) -> None:
        jobs = self._queue.pop()
        self._is_busy = bool(jobs)
        if not jobs:
            return
        started = self._clock.now
        numbers = sum(job.array.size for job in jobs)

        def finish() -> None:
            self.throughput.record(numbers, self._clock.now - started, self._clock.now)
            for job in jobs:
                self._answers.pop(id(job))(started)
            self._next()

        self._clock.after(self._seconds(numbers), finish)

    def _warm_up(self, numbers: int) -> None:
        self.throughput.record(numbers, self._seconds(numbers), self._clock.now)

    def _seconds(self, numbers: int) -> float:
        seconds = self._chance.uniform(0.95, 1.05) * (self.cost.run + self.cost.number * numbers)
        if self._chance.random() < 0.02:  # another process had the CPU
            seconds += self._chance.expovariate(10)
        return seconds


@dataclass
class Told:
    """An estimated wait, and the real one."""

    what: str
    expected: float
    actual: float = math.inf


@dataclass
class Service:
    """An admission before a session of photographs and one of thumbnails.

    warm_side: height and width of the photograph that is measured at the start.
    """

    admission: Admission
    photographs: Cost
    thumbnails: Cost
    warm_side: int
    chance: random.Random
    clock: Clock
    told: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._photographs = SimulatedSession(
            self.clock, TileQueue(MAX_BATCH), self.photographs, self.chance, 3 * self.warm_side**2
        )
        self._thumbnails = SimulatedSession(
            self.clock, Queue(MAX_BATCH), self.thumbnails, self.chance, THUMBNAIL
        )
        self._inside: dict[int, Ticket] = {}  # by when they came
        self._came = 0
        self._leaving: deque[tuple[int, Told]] = deque()

    def client(self, sizes: Callable[[], tuple[int, int] | int], until: float) -> None:
        """Start a client that has one request inside at a time.

        sizes: height and width of the next photograph, or the number of thumbnails.
        """
        if self.clock.now >= until:
            return
        request = sizes()

        def again() -> None:
            self.clock.after(self.chance.expovariate(20), lambda: self.client(sizes, until))

        if isinstance(request, int):
            self._denoise_thumbnails(request, again)
        else:
            self._denoise_photograph(*request, again)

    def _denoise_thumbnails(self, count: int, again: Callable[[], None]) -> None:
        ticket = self.admission.admit(count * THUMBNAIL).__enter__()
        came = self._arrived(ticket)

        def read() -> None:
            seconds = self._thumbnails.throughput.seconds(count * THUMBNAIL)
            ticket.grow(items=count - 1, seconds=seconds)
            self._thumbnails.submit((count, 28, 28), lambda _: self._leave(came, again))

        self.clock.after(self.chance.expovariate(500), read)

    def _denoise_photograph(self, height: int, width: int, again: Callable[[], None]) -> None:
        pixels = height * width
        ticket = self.admission.admit(pixels // 3).__enter__()
        came = self._arrived(ticket)
        waiting = iter(TILING.cut(height, width))

        def read() -> None:
            seconds = self._photographs.throughput.seconds(3 * pixels)
            turn = Told(f"turn of {height}x{width}", self.admission.turns.wait(pixels, seconds))
            self.told.append(turn)
            ticket.grow(pixels=pixels, seconds=seconds)
            submitted = self.clock.now
            left = pixels

            def submit() -> None:
                tile = next(waiting, None)
                if tile is None:
                    return

                def done(started: float) -> None:
                    nonlocal left
                    turn.actual = min(turn.actual, started - submitted)
                    left -= tile.pixels
                    ticket.done(tile.pixels)
                    submit()
                    if not left:
                        self.clock.after(pixels / 50e6, lambda: self._leave(came, again))

                shape = (1, tile.rows.length, tile.columns.length, 3)
                self._photographs.submit(shape, done)

            for _ in range(MAX_QUEUED):
                submit()

        self.clock.after(pixels / 100e6, read)

    def _arrived(self, ticket: Ticket) -> int:
        """Ask, at times, how long what is here will take; note when it has left."""
        self._came += 1
        self._inside[self._came] = ticket
        if self.chance.random() < 0.2:
            told = Told("wait", self.admission.wait(), self.clock.now)
            self._leaving.append((self._came, told))
        return self._came

    def _leave(self, came: int, again: Callable[[], None]) -> None:
        self._inside.pop(came).__exit__(None, None, None)
        first = next(iter(self._inside), math.inf)
        while self._leaving and self._leaving[0][0] < first:
            _, told = self._leaving.popleft()
            told.actual = self.clock.now - told.actual
            self.told.append(told)
        again()
