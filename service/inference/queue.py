"""The requests that wait for a session: which of them run next, and together.

Requests whose arrays differ in nothing but the batch dimension can share a batch; they are of one
kind. Queues differ in whose turn it is: kinds of thumbnails take turns, tiles of photographs run
oldest first, with small photographs between the tiles of large ones. What runs in the background
lets all others run first.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from service.inference.pixels import Floats
from service.inference.session import Sigma

MAX_RUN_ITEMS = 256
"""Items of one request in one run; larger runs are no faster."""

MAX_RUN_NUMBERS = 1 << 20
"""Numbers (pixels times channels) of photographs in one run, unless a single item has more. A run
takes about 100 bytes of memory a number, and larger runs only let others wait."""

BACKGROUND: ContextVar[bool] = ContextVar("background", default=False)
"""Whether what is submitted now is for a client that does not wait for it."""

BACKGROUND_SECONDS = 60.0
"""Seconds after which a request in the background has its turn like any other, so that it gets on
however many others there are."""

Kind = tuple[tuple[int, ...], int | None, bool]
"""What requests of one batch have in common: the shape of an item, the number of steps, and whether
they run in the background."""


@dataclass(frozen=True, slots=True)
class Result:
    """The output of a request, and how long it took.

    Attributes:
        output: The output, batch dimension first.
        queue: Seconds that the request waited for the session.
        inference: Seconds that its batch ran.
    """

    output: Floats
    queue: float
    inference: float


class Stages:
    """Seconds that several requests waited and ran; where they did at once, the time counts once.

    Attributes:
        queue: Seconds that the session ran none of them, while one waited for it.
        inference: Seconds that it ran one or more.
    """

    def __init__(self) -> None:
        self.queue = self.inference = 0.0
        self._ended = 0.0

    def add(self, submitted: float, result: Result) -> None:
        """Count a request, in the order in which they end.

        Args:
            submitted: The time.perf_counter() at which it was.
            result: What it gave.
        """
        started = submitted + result.queue
        ended = started + result.inference
        self.queue += max(0.0, started - max(submitted, self._ended))
        self.inference += max(0.0, ended - max(started, self._ended))
        self._ended = max(ended, self._ended)


@dataclass(slots=True, eq=False)
class Job:
    """A request in the queue.

    Attributes:
        array: The inputs, batch dimension first.
        steps: The length of the sequence to return, None for the model's default.
        sigma: The noise level of the items, None if unknown.
        future: Receives the result; a job whose future is done is dropped.
        submitted: The time.perf_counter() at which the request entered the queue.
        profile: What else is known of the items' noise, (5,) or (batch, 5), None if unknown.
        background: Whether others run first.
    """

    array: Floats
    steps: int | None
    sigma: Sigma | None
    future: asyncio.Future[Result]
    submitted: float
    profile: Floats | None = None
    background: bool = False


class Queue:
    """Waiting requests by kind; the kinds take turns. The caller holds a lock around each call."""

    def __init__(self, max_batch: int) -> None:
        """Create an empty queue.

        Args:
            max_batch: Items of several requests in one batch. A request with more runs alone.
        """
        self._max_batch = max_batch
        self._jobs: dict[Kind, deque[Job]] = {}

    def __bool__(self) -> bool:
        """Whether any request waits."""
        return bool(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        """Iterate over the waiting requests, kind by kind."""
        for jobs in self._jobs.values():
            yield from jobs

    def push(self, job: Job) -> None:
        """Append a request."""
        kind = (job.array.shape[1:], job.steps, job.background)
        if kind in self._jobs:
            self._jobs[kind].append(job)
        else:
            self._jobs[kind] = deque((job,))

    def pop(self, max_requests: float = math.inf) -> list[Job]:
        """Remove and return the requests of the next batch, none if none waits.

        Requests whose client has gone are dropped.

        Args:
            max_requests: Requests in the batch, at most.
        """
        while self._jobs:
            kind = self._next_kind()
            waiting = self._jobs.pop(kind)
            limit = self.batch_limit(kind[0])
            jobs: list[Job] = []
            items = 0
            while waiting and (
                not jobs or (len(jobs) < max_requests and items + len(waiting[0].array) <= limit)
            ):
                job = waiting.popleft()
                if not job.future.done():
                    jobs.append(job)
                    items += len(job.array)
            if waiting:
                self._jobs[kind] = waiting  # behind the other kinds
            if jobs:
                self._took_turn(kind, items)
                return jobs
        return []

    def batch_limit(self, shape: tuple[int, ...]) -> int:  # noqa: ARG002 - TileQueue needs it
        """Return how many items of several requests, of a shape each, may share a batch."""
        return self._max_batch

    def run_limit(self, shape: tuple[int, ...]) -> int:  # noqa: ARG002
        """Return how many items of one request, of a shape each, may run at once."""
        return max(self._max_batch, MAX_RUN_ITEMS)

    def pixels(self, jobs: Sequence[Job]) -> int:  # noqa: ARG002
        """Return the pixels of photographs in a batch, halos included; 0 for thumbnails."""
        return 0

    def _next_kind(self) -> Kind:
        kind = next(iter(self._jobs))
        return min(self._jobs, key=self._is_behind) if kind[2] else kind

    def _is_behind(self, kind: Kind) -> bool:
        """Return whether other kinds run before one."""
        return kind[2] and time.perf_counter() - self._jobs[kind][0].submitted < BACKGROUND_SECONDS

    def _took_turn(self, kind: Kind, items: int) -> None:
        """Note that so many items of a kind run now."""


class TileQueue(Queue):
    """The queue of a model of photographs: tiles (1, height, width, 3), oldest first.

    So all photographs advance alike, however many share a shape. A small photograph need not wait
    for a tile of each large one: small ones run between two large tiles, up to as many numbers as
    the tile before had, so that large photographs keep half of the time.
    """

    def __init__(self, max_batch: int) -> None:
        super().__init__(max_batch)
        self._credit = 0  # numbers of small photographs that run before the next large tile

    def batch_limit(self, shape: tuple[int, ...]) -> int:
        return _fitting(shape, self._max_batch)

    def run_limit(self, shape: tuple[int, ...]) -> int:
        return _fitting(shape, super().run_limit(shape))

    def pixels(self, jobs: Sequence[Job]) -> int:
        return sum(math.prod(job.array.shape[:3]) for job in jobs)

    def _next_kind(self) -> Kind:
        small_first = self._credit > 0
        return min(
            self._jobs,
            key=lambda kind: (
                self._is_behind(kind),
                is_small(math.prod(kind[0])) != small_first,
                self._jobs[kind][0].submitted,
            ),
        )

    def _took_turn(self, kind: Kind, items: int) -> None:
        numbers = math.prod(kind[0])
        size = items * numbers
        self._credit = self._credit - size if is_small(numbers) else size


def is_small(numbers: int) -> bool:
    """Return whether a photograph is small: several of its numbers (pixels x 3) fit into a run."""
    return 2 * numbers <= MAX_RUN_NUMBERS


def _fitting(shape: tuple[int, ...], most: int) -> int:
    return max(1, min(most, MAX_RUN_NUMBERS // math.prod(shape)))
