"""The store of jobs: what becomes of one is decided by keys that only the first can set.

Each job has a record that never changes, one for each attempt to run it, and one of its end. Only
one process sets the record of an attempt, which runs it; only one sets the end, and a job that has
one never runs again. So a response that is delivered is the only one, whatever is killed, and
whenever.
"""

import logging
from collections import defaultdict
from typing import Any

import orjson

from service.errors import ServiceError
from service.inference.caller import ANYBODY, Caller
from service.jobs.attempts import Attempts
from service.jobs.backend import Backend
from service.jobs.blobs import Blobs
from service.jobs.entries import (
    AGAIN,
    ATTEMPTS,
    CALLED,
    END,
    JOB,
    KNOWN,
    RECALLED,
    RUNS,
    entry_of,
    key_of,
    parts_of,
)
from service.jobs.record import End, Entry, Job, result_name

log = logging.getLogger(__name__)


class Store:
    """Jobs in a backend. Every method blocks, and raises what Backend.reached() does.

    Attributes:
        attempts: Who runs them.
    """

    def __init__(self, backend: Backend) -> None:
        """Use a backend that is open."""
        self._backend = backend
        self._storage = backend.storage
        self.attempts = Attempts(backend, self.find)

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

    def add(self, job: Job, caller: Caller = ANYBODY) -> None:
        """Queue a job of a caller whose body is stored.

        It is there once it has its record: recovery queues a job that has no place in the queue.
        """
        with self.reached():
            self._storage.put_data(key_of(job.id, JOB), orjson.dumps(job))
        try:
            self.attempts.add(job, caller)
        except ServiceError as error:
            log.warning("job %s is queued later: %s", job.id, error)

    def discard(self, job: Job) -> None:
        """Remove what there is of a job that could not be added."""
        with self.reached():
            self._storage.delete_data(key_of(job.id, JOB))
            self.bodies.delete(job.body)

    def find(self, job_id: str) -> Entry | None:
        """Return what is stored of a job, None if it is unknown."""
        if not KNOWN.fullmatch(job_id):
            return None
        with self.reached():
            keys = [key_of(job_id, what) for what in (JOB, END, CALLED, AGAIN, *RUNS)]
            found = self._storage.peek_many(keys)
        return entry_of({parts_of(key)[1]: value for key, value in found.items()})

    def entries(self, *, tidy: bool = True) -> dict[str, Entry]:
        """Return what is stored of every job, by id.

        Args:
            tidy: Whether to remove what is left of those forgotten.
        """
        with self.reached():
            items = self._storage.result_items()
            found: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
            for key, value in items.items():
                job_id, what = parts_of(key)
                if not what:  # what is known of turns
                    continue
                found[job_id][what] = value
            entries = {}
            for job_id, values in found.items():
                if entry := entry_of(values):
                    entries[job_id] = entry
                elif tidy:
                    for what in values:
                        self._storage.delete_data(key_of(job_id, what))
        return entries

    def finish(self, job: Job, end: End) -> bool:
        """End a job, unless it has ended; return whether this is its end. Its body goes.

        May be called again with the same end, which may be stored although the first call failed.
        """
        told = orjson.dumps(end)
        with self.reached():
            key = key_of(job.id, END)
            stored = told
            if not self._storage.put_if_empty(key, told):
                stored = self._storage.peek_data(key)
            if stored == told:
                self.bodies.delete(job.body)
            elif end.attempt and _attempt(stored) != end.attempt:
                self.results.delete(result_name(job.id, end.attempt))
        return bool(stored == told)

    def forget(self, entry: Entry) -> None:
        """Remove all that is stored of a job that has ended.

        Blobs go first: on a full disk they make the room that a change of the records takes.
        """
        with self.reached():
            self.bodies.delete(entry.job.body)
            for attempt in range(1, ATTEMPTS + 1):  # one that was cut off may have stored one
                self.results.delete(result_name(entry.job.id, attempt))
            self._storage.delete_data(key_of(entry.job.id, JOB))
            for what in (END, CALLED, RECALLED, AGAIN, *RUNS):
                self._storage.delete_data(key_of(entry.job.id, what))

    def mark_called(self, job_id: str) -> None:
        """Note that the callback has been told, or given up."""
        with self.reached():
            self._storage.put_data(key_of(job_id, CALLED), b"1")

    def claim_recall(self, job_id: str) -> bool:
        """Return whether the caller is the one to tell a callback whose process is gone."""
        with self.reached():
            return bool(self._storage.put_if_empty(key_of(job_id, RECALLED), b"1"))

    def close(self) -> None:
        """Let go of the backend."""
        self._backend.close()


def _attempt(stored: object) -> int:
    """Return the attempt whose response an end has, 0 where there is none."""
    return End(**orjson.loads(stored)).attempt if isinstance(stored, bytes) else 0
