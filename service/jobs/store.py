"""The store of jobs: what becomes of one is decided by keys that only the first can set.

Each job has a record that never changes, one for each attempt to run it, and one of its end. Only
one process sets the record of an attempt, which runs it; only one sets the end, and a job that has
one never runs again. So a response that is delivered is the only one, whatever is killed, and
whenever.
"""

import re
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import orjson

from service.jobs.backend import Backend
from service.jobs.blobs import Blobs
from service.jobs.record import End, Entry, Job, Run, result_name

ATTEMPTS = 3
"""Attempts to run a job: one that ends its process each time is not tried for ever."""
KNOWN = re.compile(r"[0-9a-f]{32}")
JOB, END, CALLED, RECALLED, RUN = "job", "end", "called", "recalled", "run"


class Store:
    """Jobs in a backend. Every method blocks, and raises what Backend.reached() does."""

    def __init__(self, backend: Backend) -> None:
        """Use a backend that is open."""
        self._backend = backend
        self._storage = backend.storage

    @property
    def bodies(self) -> Blobs:
        """Bodies of requests."""
        return self._backend.bodies

    @property
    def results(self) -> Blobs:
        """Bodies of responses."""
        return self._backend.results

    @property
    def reached(self) -> Any:
        """What turns the errors of a backend's library into those of the service."""
        return self._backend.reached

    def add(self, job: Job) -> None:
        """Queue a job whose body is stored."""
        with self.reached():
            self._storage.put_data(_key(job.id, JOB), orjson.dumps(job))
            self._storage.enqueue(_token(job.id, 1))

    def find(self, job_id: str) -> Entry | None:
        """Return what is stored of a job, None if it is unknown."""
        if not KNOWN.fullmatch(job_id):
            return None
        keys = [JOB, END, CALLED, *(f"{RUN}{attempt}" for attempt in range(1, ATTEMPTS + 1))]
        with self.reached():
            found = self._storage.peek_many([_key(job_id, key) for key in keys])
        return _entry({_text(key).partition("/")[2]: value for key, value in found.items()})

    def entries(self) -> dict[str, Entry]:
        """Return what is stored of every job, by id; remove what is left of those forgotten."""
        with self.reached():
            items = self._storage.result_items()
            found: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
            for key, value in items.items():
                job_id, _, what = _text(key).partition("/")
                found[job_id][what] = value
            entries = {}
            for job_id, values in found.items():
                if entry := _entry(values):
                    entries[job_id] = entry
                else:
                    for what in values:
                        self._storage.delete_data(_key(job_id, what))
        return entries

    def take(self) -> tuple[Job, int] | None:
        """Return the next job and the number of the attempt, which is the caller's; None if none.

        An item of the queue is a job and an attempt. There may be several alike, as recovery does
        not know whether one is still there: the first to set the record of the attempt has it.
        """
        while True:
            with self.reached():
                token = self._storage.dequeue()
                if token is None:
                    return None
                job_id, _, number = bytes(token).decode().partition("/")
                attempt = int(number)
                entry = self.find(job_id)
                if entry and not entry.end and self._claim(job_id, attempt):
                    return entry.job, attempt

    def queued(self) -> set[str]:
        """Return the ids of the jobs in the queue."""
        with self.reached():
            items = self._storage.enqueued_items()
        return {bytes(item).decode().partition("/")[0] for item in items}

    def requeue(self, job_id: str, attempt: int) -> None:
        """Queue an attempt."""
        with self.reached():
            self._storage.enqueue(_token(job_id, attempt))

    def release(self, job_id: str, attempt: int) -> None:
        """Give an attempt back that has not ended: it does not count."""
        with self.reached():
            self._storage.delete_data(_key(job_id, f"{RUN}{attempt}"))
        self.requeue(job_id, attempt)

    def beat(self, job_id: str, attempt: int, run: Run) -> bool:
        """Report on an attempt; return whether it is to go on, as its job has not ended."""
        entry = self.find(job_id)
        if entry is None or entry.end or entry.attempts != attempt:
            return False
        with self.reached():
            self._storage.put_data(_key(job_id, f"{RUN}{attempt}"), orjson.dumps(run))
        return True

    def finish(self, job: Job, end: End) -> bool:
        """End a job, unless it has ended; return whether this is its end. Its body goes."""
        with self.reached():
            is_first = bool(self._storage.put_if_empty(_key(job.id, END), orjson.dumps(end)))
            if is_first:
                self.bodies.delete(job.body)
            elif end.attempt:
                self.results.delete(result_name(job.id, end.attempt))
        return is_first

    def forget(self, entry: Entry) -> None:
        """Remove all that is stored of a job that has ended."""
        with self.reached():
            self._storage.delete_data(_key(entry.job.id, JOB))
            self.bodies.delete(entry.job.body)
            attempts = range(1, ATTEMPTS + 1)
            for attempt in attempts:  # one that was cut off may have stored its response
                self.results.delete(result_name(entry.job.id, attempt))
            for what in (END, CALLED, RECALLED, *(f"{RUN}{attempt}" for attempt in attempts)):
                self._storage.delete_data(_key(entry.job.id, what))

    def mark_called(self, job_id: str) -> None:
        """Note that the callback has been told, or given up."""
        with self.reached():
            self._storage.put_data(_key(job_id, CALLED), b"1")

    def claim_recall(self, job_id: str) -> bool:
        """Return whether the caller is the one to tell a callback whose process is gone."""
        with self.reached():
            return bool(self._storage.put_if_empty(_key(job_id, RECALLED), b"1"))

    def close(self) -> None:
        """Let go of the backend."""
        self._backend.close()

    def _claim(self, job_id: str, attempt: int) -> bool:
        run = Run(started=time.time())
        key = _key(job_id, f"{RUN}{attempt}")
        return bool(self._storage.put_if_empty(key, orjson.dumps(run)))


def _key(job_id: str, what: str) -> str:
    return f"{job_id}/{what}"


def _token(job_id: str, attempt: int) -> bytes:
    return f"{job_id}/{attempt}".encode()


def _text(key: str | bytes) -> str:
    return key if isinstance(key, str) else key.decode()


def _entry(values: Mapping[str, bytes]) -> Entry | None:
    """Return the values of a job by their names, None where its own record is gone."""
    if JOB not in values:
        return None
    attempts = [number for number in range(1, ATTEMPTS + 1) if f"{RUN}{number}" in values]
    last = attempts[-1] if attempts else 0
    return Entry(
        Job(**orjson.loads(values[JOB])),
        last,
        Run(**orjson.loads(values[f"{RUN}{last}"])) if last else None,
        End(**orjson.loads(values[END])) if END in values else None,
        CALLED in values,
    )
