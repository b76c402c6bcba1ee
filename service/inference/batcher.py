"""Adaptive batching without a timer: a free session takes what waits, up to a limit.

A lone request never waits for others; requests that arrive while a batch runs gather for the next
one. Batches grow with the load by themselves, and there is no delay to tune.
"""

import asyncio
import itertools
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from service.errors import InvalidValue
from service.inference.caller import CALLER, Caller
from service.inference.estimates import Throughput
from service.inference.neighbours.search import Search
from service.inference.pixels import Floats
from service.inference.queue import BACKGROUND, Job, Queue, Result, TileQueue
from service.inference.reconstruction import Reconstruction
from service.inference.session import Session, Sigma

BRIEF = 0.0005
"""Seconds that a batch may run on the event loop: waking a thread up and back takes as long."""

MAX_REQUESTS = 24
"""Requests of a batch that starts on the event loop, unless the thread hands it back: while larger
ones are parsed and written, others wait unread, beyond what is admitted."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that has run.

    Attributes:
        items: Images, codings or tiles in it.
        requests: Requests, or tiles of photographs, in it.
        inference: Seconds that it ran.
        pixels: Pixels of photographs in it, halos included; 0 for thumbnails.
    """

    items: int
    requests: int
    inference: float
    pixels: int = 0


class Batcher:
    """Runs one batch of a session at a time, in a thread of its own.

    A batch that is known to end before a thread would have woken up runs on the event loop.
    """

    def __init__(
        self,
        session: Session | Reconstruction | Search,
        *,
        max_batch: int,
        observe: Callable[[Batch], None] = lambda _: None,
    ) -> None:
        """Create a batcher with an empty queue.

        Args:
            session: Runs the batches.
            max_batch: Items of several requests in one batch. A request with more runs alone.
            observe: Called with each batch that has run, on the event loop.
        """
        self.session = session
        self.throughput = Throughput()
        self._observe = observe
        self._queue: Queue = TileQueue(max_batch) if session.any_size else Queue(max_batch)
        self._thread = ThreadPoolExecutor(1, session.operation.file)
        self._thread.submit(int)  # starts the thread: later, there may be no memory for it
        self._lock = threading.Lock()
        self._busy_since: float | None = None
        described = session.operation.steps
        self._steps = described.default if described else 1

    def submit(
        self,
        array: Floats,
        steps: int | None = None,
        sigma: Sigma | None = None,
        profile: Floats | None = None,
        caller: Caller | None = None,
    ) -> asyncio.Future[Result]:
        """Queue a request. Requests with different noise share batches.

        Args:
            array: Inputs that Session.check() accepts, batch dimension first.
            steps: Length of the sequence to return, None for the model's default.
            sigma: Noise level, 0 to 100 on the scale of 0 to 255, one or (batch,); None if unknown.
            profile: What else is known of the noise, (5,) or (batch, 5); None if unknown.
            caller: Whose it is; None for whom CALLER names.

        Returns:
            A future; cancel it to drop the request. It fails with InvalidValue if the outputs are
            not finite, and with what the session raises; other requests of its batch are not
            affected.
        """
        loop = asyncio.get_running_loop()
        now, lets_others_first = time.perf_counter(), BACKGROUND.get()
        background = lets_others_first is not None and lets_others_first()
        cost = array.size * (steps or self._steps)
        future: asyncio.Future[Result] = loop.create_future()
        whose = caller or CALLER.get()
        job = Job(array, steps, sigma, future, now, profile, background, whose, cost)
        with self._lock:
            self._queue.push(job)
            if self._busy_since is not None:
                return job.future
            self._busy_since = job.submitted
        # Not now: requests of the same turn of the event loop join this batch.
        loop.call_soon(self._start, loop)
        return job.future

    def waiting(self) -> list[float]:
        """Return the time.perf_counter() at which each waiting request was submitted."""
        with self._lock:
            return [job.submitted for job in self._queue]

    def busy_for(self) -> float:
        """Return the seconds that the current batch has run, 0 if none runs."""
        since = self._busy_since
        return 0.0 if since is None else time.perf_counter() - since

    def measure(self, shape: tuple[int, ...]) -> None:
        """Run zeros of a shape in this thread, and learn how long they take."""
        started = time.perf_counter()
        self.session.run(np.zeros(shape, np.float32))
        ended = time.perf_counter()
        self.throughput.record(self._numbers(math.prod(shape), None), ended - started, ended)

    def seconds(self, size: int, steps: int | None = None) -> float:
        """Return the seconds that a request will keep the session busy, as Throughput.seconds().

        Args:
            size: Numbers in the inputs.
            steps: Length of the sequence to return, None for the model's default.
        """
        return self.throughput.seconds(self._numbers(size, steps))

    def _numbers(self, size: int, steps: int | None) -> int:
        """Return the numbers that a throughput counts for inputs of a size: times the steps."""
        return size * (steps or self._steps)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if jobs := self._next(MAX_REQUESTS):
            self._run_batch(jobs, loop)

    def _run_batch(self, jobs: list[Job], loop: asyncio.AbstractEventLoop) -> None:
        """Run a batch on the event loop if it is brief, otherwise in the thread."""
        if not self._is_brief(jobs):
            self._thread.submit(self._run_batches, jobs, loop)
            return
        self._finish(*self._timed(jobs))
        if self._queue:
            loop.call_soon(self._start, loop)
        else:
            self._busy_since = None

    def _run_batches(self, jobs: list[Job], loop: asyncio.AbstractEventLoop) -> None:
        """Run batch after batch in the thread, until none waits or a brief one does."""
        while jobs:
            loop.call_soon_threadsafe(self._finish, *self._timed(jobs))
            jobs = self._next()
            if jobs and self._is_brief(jobs):
                loop.call_soon_threadsafe(self._run_batch, jobs, loop)
                return

    def _is_brief(self, jobs: Sequence[Job]) -> bool:
        # How long a batch takes depends on its size; a size that has not run may take too long.
        seconds = self.throughput.run_seconds(self._numbers_of(jobs))
        return seconds is not None and seconds < BRIEF

    def _numbers_of(self, jobs: Sequence[Job]) -> int:
        return self._numbers(sum(job.array.size for job in jobs), jobs[0].steps)

    def _next(self, max_requests: float = math.inf) -> list[Job]:
        """Take the next batch; the session is busy with it from now on, free if there is none."""
        with self._lock:
            jobs = self._queue.pop(max_requests)
            self._busy_since = time.perf_counter() if jobs else None
            return jobs

    def _timed(self, jobs: list[Job]) -> tuple[list[Job], list[Floats | Exception], float, float]:
        started = time.perf_counter()
        outcomes = self._outcomes(jobs)
        ended = time.perf_counter()
        self.throughput.record(self._numbers_of(jobs), ended - started, ended)
        return jobs, outcomes, started, ended - started

    def _outcomes(self, jobs: Sequence[Job]) -> list[Floats | Exception]:
        """Run a batch, and each request by itself if the batch fails."""
        try:
            outputs = self._run(jobs)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to one request
            if len(jobs) == 1:
                return [error]
            return [self._outcomes([job])[0] for job in jobs]
        ends = itertools.accumulate(len(job.array) for job in jobs)
        return [outputs[end - len(job.array) : end] for job, end in zip(jobs, ends, strict=True)]

    def _run(self, jobs: Sequence[Job]) -> Floats:
        arrays = [job.array for job in jobs]
        inputs = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        steps, sigma, profile = jobs[0].steps, self._sigmas(jobs), self._profiles(jobs)
        limit = self._queue.run_limit(inputs.shape[1:])
        if len(inputs) <= limit:
            outputs = self.session.run(inputs, steps, sigma, profile)
        else:  # one request, in parts: the memory of a run grows with its size
            outputs = np.empty(self.session.output_shape(inputs.shape, steps), np.float32)
            for start in range(0, len(inputs), limit):
                if jobs[0].future.done():  # the client has gone
                    break
                part = slice(start, start + limit)
                levels = None if sigma is None else sigma[part]
                described = None if profile is None else profile[part]
                outputs[part] = self.session.run(inputs[part], steps, levels, described)
        if not np.isfinite(outputs).all():
            raise InvalidValue(
                f"{self.session.operation.input.name}: expected numbers of the model's range, "
                "received some so large that its outputs are not finite"
            )
        return outputs

    def _sigmas(self, jobs: Sequence[Job]) -> Floats | None:
        """The noise level of each item of a batch, None if the graph has no such input."""
        if self.session.operation.sigma is None:
            return None
        return np.concatenate([self.session.sigmas(job.sigma, len(job.array)) for job in jobs])

    def _profiles(self, jobs: Sequence[Job]) -> Floats | None:
        """The profile of each item of a batch, None if the graph has no such input."""
        if self.session.operation.profile is None:
            return None
        return np.concatenate([self.session.profiles(job.profile, len(job.array)) for job in jobs])

    def _finish(
        self, jobs: list[Job], outcomes: list[Floats | Exception], started: float, seconds: float
    ) -> None:
        items = sum(len(job.array) for job in jobs)
        self._observe(Batch(items, len(jobs), seconds, self._queue.pixels(jobs)))
        for job, outcome in zip(jobs, outcomes, strict=True):
            if job.future.done():
                continue
            if isinstance(outcome, Exception):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(Result(outcome, started - job.submitted, seconds))
