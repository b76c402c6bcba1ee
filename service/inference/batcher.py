"""Dynamic batching without a timer: a free session takes whatever waits, up to a limit.

Alone, a request never waits for others; while a batch runs, those that come meanwhile gather for
the next one. Batches grow with the load by themselves, and there is no delay to tune.
"""

import asyncio
import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from service.errors import InvalidValue
from service.inference.pixels import Floats
from service.inference.session import Session, Sigma


@dataclass(frozen=True, slots=True)
class Result:
    """What an operation gave, and the seconds it waited for a session and ran in one."""

    output: Floats
    queue: float
    inference: float


@dataclass(frozen=True, slots=True)
class Batch:
    """What ran at once: of how many items and requests, and for how many seconds.

    pixels: of photographs, halos included.
    """

    items: int
    requests: int
    inference: float
    pixels: int = 0


@dataclass(slots=True, eq=False)
class _Job:
    array: Floats
    steps: int | None
    sigma: Sigma | None
    answer: asyncio.Future[Result]
    since: float


BRIEF = 0.0005
"""Seconds that a batch may take on the event loop: to wake a thread up and back takes as long."""

TURN = 24
"""Requests of a batch that is begun on the event loop, but for one that the thread hands back:
while those of larger ones are read and written, others wait unread, beyond what is admitted."""

LARGEST_RUN = 256
"""Items of one request that run at once; more gain nothing in speed."""

PHOTOGRAPHS = 1 << 20
"""Numbers of photographs that run at once, unless one has more: each takes 100 bytes or so, and
more at once only let others wait."""

_Kind = tuple[tuple[int, ...], int | None]
"""What may share a batch: arrays of one shape but for the batch, and one number of steps."""


class Batcher:
    """The queue of one session: one batch runs at a time, in a thread of its own.

    A batch that is known to end before a thread would have woken up runs where it is.
    """

    def __init__(
        self,
        session: Session,
        *,
        max_batch: int,
        observe: Callable[[Batch], None] = lambda _: None,
    ) -> None:
        """max_batch: items of several requests at once; a larger request runs by itself."""
        self.session = session
        self._max_batch = max_batch
        self._largest_run = max(max_batch, LARGEST_RUN)
        self._observe = observe
        self._waiting: dict[_Kind, deque[_Job]] = {}
        self._thread = ThreadPoolExecutor(1, session.operation.file)
        self._lock = threading.Lock()
        self._busy_since: float | None = None
        self._took: dict[int, float] = {}
        self._owed = 0  # numbers of small photographs that go before the next large one

    def submit(
        self, array: Floats, steps: int | None = None, sigma: Sigma | None = None
    ) -> asyncio.Future[Result]:
        """Queue a request of one or more items; cancel what is returned to drop it.

        Requests with different sigma share batches. The future fails with InvalidValue where the
        outputs are not finite, and with whatever the session raises; other requests of its batch
        are not harmed.
        """
        loop = asyncio.get_running_loop()
        job = _Job(array, steps, sigma, loop.create_future(), time.perf_counter())
        kind = (array.shape[1:], steps)
        with self._lock:
            if kind in self._waiting:
                self._waiting[kind].append(job)
            else:
                self._waiting[kind] = deque((job,))
            if self._busy_since is not None:
                return job.answer
            self._busy_since = job.since
        # Not now: requests that came in the same turn of the event loop join this batch.
        loop.call_soon(self._begin, loop)
        return job.answer

    def waiting(self) -> list[float]:
        """Return the time.perf_counter() at which each waiting request came."""
        with self._lock:
            return [job.since for jobs in self._waiting.values() for job in jobs]

    def busy_for(self) -> float:
        """Return for how many seconds the batch that runs now has run, 0 where none does."""
        since = self._busy_since
        return 0.0 if since is None else time.perf_counter() - since

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if jobs := self._next(TURN):
            self._run_batch(jobs, loop)

    def _run_batch(self, jobs: list[_Job], loop: asyncio.AbstractEventLoop) -> None:
        """Run a batch on the event loop if it is brief, or else in the thread."""
        if not self._is_brief(jobs):
            self._thread.submit(self._run_batches, jobs, loop)
            return
        self._finish(*self._work(jobs))
        if self._waiting:
            loop.call_soon(self._begin, loop)
        else:
            self._busy_since = None

    def _run_batches(self, jobs: list[_Job], loop: asyncio.AbstractEventLoop) -> None:
        """Run, in the thread, one batch after another, until none waits or a brief one does."""
        while jobs:
            loop.call_soon_threadsafe(self._finish, *self._work(jobs))
            jobs = self._next()
            if jobs and self._is_brief(jobs):
                loop.call_soon_threadsafe(self._run_batch, jobs, loop)
                return

    def _is_brief(self, jobs: Sequence[_Job]) -> bool:
        # What takes how long depends on the size; until that is known, it may be too long.
        return self._took.get(self._size(jobs), BRIEF) < BRIEF

    def _size(self, jobs: Sequence[_Job]) -> int:
        """Between which powers of two the work of a batch is, in numbers and in steps."""
        steps = self.session.operation.steps
        asked = jobs[0].steps or (steps.default if steps else 1)
        return (asked * sum(job.array.size for job in jobs)).bit_length()

    def _next(self, most: float = math.inf) -> list[_Job]:
        """The next batch; from now on the session is busy with it, or free if there is none.

        most: requests in it.
        """
        with self._lock:
            jobs = self._take(most)
            self._busy_since = time.perf_counter() if jobs else None
            return jobs

    def _take(self, most: float) -> list[_Job]:
        """The next batch, of the kind whose turn it is; those whose client has gone are dropped."""
        while self._waiting:
            kind = self._turn()
            queue = self._waiting.pop(kind)
            limit = self._at_once(kind[0], self._max_batch)
            jobs: list[_Job] = []
            items = 0
            while queue and (
                not jobs or (len(jobs) < most and items + len(queue[0].array) <= limit)
            ):
                job = queue.popleft()
                if not job.answer.done():
                    jobs.append(job)
                    items += len(job.array)
            if queue:
                self._waiting[kind] = queue  # at the end: every kind has its turn
            if jobs:
                if self.session.operation.tiles:
                    size = items * math.prod(kind[0])
                    self._owed = self._owed - size if self._is_small(kind) else size
                return jobs
        return []

    def _turn(self) -> _Kind:
        """Whose turn it is: each kind's in its order, but of photographs that of the oldest tile.

        So all photographs get on alike, however many have the same shape. Small ones need not wait
        for a tile of each that is large: they go between two of these, as much of them as of one.
        """
        if self.session.operation.tiles is None:
            return next(iter(self._waiting))
        small_first = self._owed > 0
        return min(
            self._waiting,
            key=lambda kind: (
                self._is_small(kind) != small_first,
                self._waiting[kind][0].since,
            ),
        )

    def _is_small(self, kind: _Kind) -> bool:
        """Whether several may run at once, as of up to a fifteenth of the largest tile's pixels."""
        return self._at_once(kind[0], 2) > 1

    def _at_once(self, shape: tuple[int, ...], most: int) -> int:
        """How many items of a shape may run at once, of at most so many."""
        if self.session.operation.tiles is None:
            return most
        return max(1, min(most, PHOTOGRAPHS // math.prod(shape)))

    def _work(self, jobs: list[_Job]) -> tuple[list[_Job], list[Floats | Exception], float, float]:
        began = time.perf_counter()
        outcomes = self._outcomes(jobs)
        took = time.perf_counter() - began
        size = self._size(jobs)
        # The least of late: what comes on top is the wait for the interpreter, or for a processor.
        self._took[size] = min(took, 1.02 * self._took.get(size, took))
        return jobs, outcomes, began, took

    def _outcomes(self, jobs: Sequence[_Job]) -> list[Floats | Exception]:
        try:
            outputs = self._run(jobs)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to one request
            if len(jobs) == 1:
                return [error]
            return [self._outcomes([job])[0] for job in jobs]
        ends = itertools.accumulate(len(job.array) for job in jobs)
        return [outputs[end - len(job.array) : end] for job, end in zip(jobs, ends, strict=True)]

    def _run(self, jobs: Sequence[_Job]) -> Floats:
        arrays = [job.array for job in jobs]
        inputs = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        steps, sigma = jobs[0].steps, self._sigmas(jobs)
        largest = self._at_once(inputs.shape[1:], self._largest_run)
        if len(inputs) <= largest:
            outputs = self.session.run(inputs, steps, sigma)
        else:  # one request, in parts: what a run takes in memory grows with its size
            outputs = np.empty(self.session.output_shape(inputs.shape, steps), np.float32)
            for start in range(0, len(inputs), largest):
                if jobs[0].answer.done():  # nobody waits any more
                    break
                part = slice(start, start + largest)
                told = None if sigma is None else sigma[part]
                outputs[part] = self.session.run(inputs[part], steps, told)
        if not np.isfinite(outputs).all():
            raise InvalidValue(
                f"{self.session.operation.input.name}: expected numbers of the model's range, "
                "received some so large that its outputs are not finite"
            )
        return outputs

    def _sigmas(self, jobs: Sequence[_Job]) -> Floats | None:
        """How noisy each item of a batch is, None where the graph is not told."""
        if self.session.operation.sigma is None:
            return None
        return np.concatenate([self.session.sigmas(job.sigma, len(job.array)) for job in jobs])

    def _finish(
        self, jobs: list[_Job], outcomes: list[Floats | Exception], began: float, took: float
    ) -> None:
        is_tiled = self.session.operation.tiles is not None
        pixels = sum(math.prod(job.array.shape[:3]) for job in jobs) if is_tiled else 0
        self._observe(Batch(_items(jobs), len(jobs), took, pixels))
        for job, outcome in zip(jobs, outcomes, strict=True):
            if job.answer.done():
                continue
            if isinstance(outcome, Exception):
                job.answer.set_exception(outcome)
            else:
                job.answer.set_result(Result(outcome, began - job.since, took))


def _items(jobs: Sequence[_Job]) -> int:
    return sum(len(job.array) for job in jobs)
