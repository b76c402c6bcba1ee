"""Attempts to run jobs: they wait in a queue, and each belongs to the process that claims it first.

There may be several items of one attempt in the queue, as recovery does not know whether one is
still there. The answer of the store may be lost, so whoever finds an attempt claimed looks whether
the claim is its own.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from service.errors import ServiceError
from service.inference.caller import Caller
from service.jobs.backend import Backend
from service.jobs.entries import AGAIN, RUN, key_of, parts_of
from service.jobs.record import Entry, Job, Run
from service.jobs.turns import Turns

FIRST = 1
"""Priority of an attempt that is given back: before all jobs that have not run."""


@dataclass(frozen=True, slots=True)
class _Item:
    """An item that was taken from the queue: a job, an attempt, its tag, and what claims it."""

    job_id: str
    attempt: int
    tag: float
    claim: str = field(default_factory=lambda: secrets.token_hex(8))


class Attempts:
    """The attempts of the jobs of a store. Every method blocks, and raises what it does."""

    def __init__(self, backend: Backend, find: Callable[[str], Entry | None]) -> None:
        """Use a backend that is open.

        Args:
            backend: Where the jobs are.
            find: Returns what is stored of a job.
        """
        self._storage = backend.storage
        self._reached = backend.reached
        self._find = find
        self._turns = Turns(backend.storage)
        self._taken: deque[_Item] = deque()  # and not claimed yet, as the store went away

    def add(self, job: Job, caller: Caller) -> None:
        """Queue the first attempt, where it is its caller's turn."""
        with self._reached():
            tag = self._turns.place(caller, job.bytes)
            self._storage.enqueue(_token(job.id, 1, tag), -tag)

    def take(self) -> tuple[Job, int] | None:
        """Return the next job and the number of the attempt, which is the caller's; None if none.

        What was taken when the store went away is taken first.
        """
        while item := self._next():
            try:
                entry = self._find(item.job_id)
                is_open = entry and not entry.end and entry.attempts <= item.attempt
                if entry and is_open and self._claim(item):
                    with self._reached():
                        self._turns.begin(item.tag)
                    return entry.job, item.attempt
            except ServiceError:
                self._taken.append(item)
                raise
        return None

    def queued(self) -> set[str]:
        """Return the ids of the jobs in the queue."""
        with self._reached():
            items = self._storage.enqueued_items()
        return {parts_of(bytes(item))[0] for item in items}

    def requeue(self, job_id: str, attempt: int) -> None:
        """Queue an attempt, before all jobs that have not run yet."""
        with self._reached():
            self._storage.put_data(key_of(job_id, AGAIN), b"%d" % attempt)
            self._storage.enqueue(_token(job_id, attempt), FIRST)

    def release(self, job_id: str, attempt: int) -> None:
        """Give an attempt back that has not ended: it does not count."""
        with self._reached():
            self._storage.delete_data(key_of(job_id, f"{RUN}{attempt}"))
        self.requeue(job_id, attempt)

    def beat(self, job_id: str, attempt: int, run: Run) -> bool:
        """Report on an attempt; return whether it is to go on, as its job has not ended."""
        entry = self._find(job_id)
        if entry is None or entry.end or entry.attempts != attempt:
            return False
        with self._reached():
            self._storage.put_data(key_of(job_id, f"{RUN}{attempt}"), orjson.dumps(run))
        return True

    def _next(self) -> _Item | None:
        try:
            return self._taken.popleft()
        except IndexError:
            pass
        with self._reached():
            token = self._storage.dequeue()
        if token is None:
            return None
        job_id, _, rest = bytes(token).decode().partition("/")
        attempt, _, tag = rest.partition("/")
        return _Item(job_id, int(attempt), float(tag or 0))

    def _claim(self, item: _Item) -> bool:
        key = key_of(item.job_id, f"{RUN}{item.attempt}")
        run = Run(started=time.time(), claim=item.claim)
        with self._reached():
            if self._storage.put_if_empty(key, orjson.dumps(run)):
                return True
            stored = self._storage.peek_data(key)
        return isinstance(stored, bytes) and orjson.loads(stored).get("claim") == item.claim


def _token(job_id: str, attempt: int, tag: float = 0.0) -> bytes:
    return f"{job_id}/{attempt}/{tag}".encode()
