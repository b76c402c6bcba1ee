"""Looks after stored jobs: has lost ones recovered, forgets old ones, counts all."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping

from service.errors import InsufficientStorage, ServiceError
from service.jobs.ages import Ages
from service.jobs.orphans import remove_orphans
from service.jobs.record import Entry, Job
from service.jobs.recovery import Recovery
from service.jobs.room import Room
from service.jobs.store import Store
from service.jobs.tally import tally_of

SWEEP_SECONDS = 2.0
"""Between two looks at all jobs."""
RECALL_SECONDS = 120.0
"""After which a callback that was not told is told by another process."""
ORPHANS_EVERY = 300.0
"""Seconds between two looks at files."""

log = logging.getLogger(__name__)


class Keeper:
    """Looks after the jobs of a store."""

    def __init__(
        self,
        store: Store,
        room: Room,
        recovery: Recovery,
        keep_seconds: float,
        recall: Callable[[str], None],
    ) -> None:
        """Create a keeper that has not looked yet.

        Args:
            store: Where the jobs are.
            room: Learns what is stored.
            recovery: Recovers jobs whose process is gone.
            keep_seconds: How long a job is kept after its end.
            recall: Called with the id of a job whose callback has not been told.
        """
        self._store = store
        self._room = room
        self._recovery = recovery
        self._keep_seconds = keep_seconds
        self._recall = recall
        self._refused: dict[str, Job] = {}
        self._ages = Ages()
        self._orphans_at = time.monotonic() + SWEEP_SECONDS
        self._lock = asyncio.Lock()

    async def keep(self) -> None:
        """Look after the jobs for ever."""
        failed = False
        while True:
            try:
                await self.sweep()
                failed = False
            except ServiceError as error:  # the store is away, or its disk is full
                self._recovery.begin_anew()
                if not failed:
                    log.warning("%s", error)
                failed = True
            except Exception:
                log.exception("cannot look after the jobs")
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Look after the jobs once. Raises JobsUnavailable or InsufficientStorage."""
        async with self._lock:
            with contextlib.suppress(InsufficientStorage):  # what expires makes room
                await self._discard()
            self._room.look()
            entries = await asyncio.to_thread(self._store.entries)
            self._room.tally = tally_of(entries)
            await self._expire(entries)
            await self._recovery.look(entries)
            if time.monotonic() >= self._orphans_at:
                self._orphans_at = time.monotonic() + ORPHANS_EVERY
                uploads = self._room.uploads
                await asyncio.to_thread(remove_orphans, self._store, entries, uploads)

    async def discard(self, job: Job) -> None:
        """Remove what there may be of a job that was refused; later, where the store is away."""
        self._refused[job.id] = job
        with contextlib.suppress(ServiceError):
            await self._discard()

    async def _discard(self) -> None:
        for job in list(self._refused.values()):
            await asyncio.to_thread(self._store.discard, job)
            self._refused.pop(job.id, None)

    async def _expire(self, entries: Mapping[str, Entry]) -> None:
        ended = {job_id: entry.end for job_id, entry in entries.items() if entry.end}
        self._ages.look(ended)
        for job_id, end in ended.items():
            entry, age = entries[job_id], self._ages.of(job_id, end)
            if age > self._keep_seconds:
                await asyncio.to_thread(self._store.forget, entry)
            elif (
                entry.job.callback
                and not entry.called
                and age > RECALL_SECONDS
                and await asyncio.to_thread(self._store.claim_recall, job_id)
            ):
                self._recall(job_id)
