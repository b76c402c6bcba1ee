"""Looks after stored jobs: recovers those whose process is gone, forgets old ones, counts all."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from service.errors import JobLost, JobsUnavailable, Overloaded
from service.jobs.backend import DATABASE, LOCK
from service.jobs.record import Entry, failure
from service.jobs.store import ATTEMPTS, Store
from service.jobs.tally import Tally, tally_of

SWEEP_SECONDS = 2.0
"""Between two looks at all jobs."""
LEASE_SECONDS = 10.0
"""After which a job that runs and is not reported on is run again. It is measured by the clock of
the process that looks, so clocks need not agree."""
RECALL_SECONDS = 120.0
"""After which a callback that was not told is told by another process."""
ORPHAN_SECONDS = 3600.0
"""After which a file that belongs to no job is removed."""
ORPHANS_EVERY = 300.0
"""Seconds between two looks at files."""

log = logging.getLogger(__name__)


class Keeper:
    """Looks after the jobs of a store.

    Attributes:
        tally: What is stored, as of the last look.
    """

    def __init__(
        self,
        store: Store,
        *,
        max_jobs: int,
        max_bytes: int,
        keep_seconds: float,
        settings: tuple[str, str],
        requeued: Callable[[], None],
        ended: Callable[[str], None],
        recall: Callable[[str], None],
    ) -> None:
        """Create a keeper that has not looked yet.

        Args:
            store: Where the jobs are.
            max_jobs: Jobs that are kept, finished ones included.
            max_bytes: Bytes of their bodies and responses.
            keep_seconds: How long a job is kept after its end.
            settings: The names of the settings of these two bounds, for the messages of errors.
            requeued: Called when a job was given back to the queue.
            ended: Called with the id of a job that is given up.
            recall: Called with the id of a job whose callback has not been told.
        """
        self._store = store
        self._max_jobs, self._max_bytes = max_jobs, max_bytes
        self.keep_seconds = keep_seconds
        self._by_jobs, self._by_bytes = settings
        self._requeued, self._ended, self._recall = requeued, ended, recall
        self.tally = Tally()
        self._since_tally = [0, 0]  # jobs and bytes that came since, less those that went
        self._uploads = [0, 0]  # and those that are being received
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}
        self._orphans_at = time.monotonic() + SWEEP_SECONDS
        self._lock = asyncio.Lock()

    async def keep(self) -> None:
        """Look after the jobs for ever."""
        failed = False
        while True:
            try:
                await self.sweep()
                failed = False
            except JobsUnavailable as error:
                if not failed:
                    log.warning("%s", error)
                failed = True
            except Exception:
                log.exception("cannot look after the jobs")
            await asyncio.sleep(SWEEP_SECONDS)

    def recover(self) -> None:
        """Give all jobs back to the queue that have not ended, where no other process can run them.

        Raises:
            JobsUnavailable: The store cannot be read or written.
        """
        queued = self._store.queued()
        for job_id, entry in self._store.entries().items():
            if not entry.end and job_id not in queued:
                self._run_again(entry)

    async def sweep(self) -> None:
        """Look after the jobs once."""
        async with self._lock:
            self._since_tally = [0, 0]
            entries = await asyncio.to_thread(self._store.entries)
            self.tally = tally_of(entries)
            await self._recover(entries)
            await self._expire(entries)
            if time.monotonic() >= self._orphans_at:
                self._orphans_at = time.monotonic() + ORPHANS_EVERY
                await asyncio.to_thread(self._remove_orphans, entries)

    def reserve(self, size: int) -> None:
        """Count a job whose body is going to be received. Raises Overloaded."""
        jobs = self.tally.jobs + self._since_tally[0] + self._uploads[0] + 1
        if jobs > self._max_jobs:
            raise Overloaded(
                f"jobs: expected at most {self._max_jobs} ({self._by_jobs}), received one more",
                retry_after=60,
            )
        self._check_bytes(size)
        self._uploads[0] += 1
        self._uploads[1] += size

    def grow(self, size: int) -> None:
        """Count bytes of a body that its head did not announce. Raises Overloaded."""
        self._check_bytes(size)
        self._uploads[1] += size

    def settle(self, size: int, *, stored: bool) -> None:
        """Count a job that was reserved, as received or as refused."""
        self._uploads[0] -= 1
        self._uploads[1] -= size
        if stored:
            self._since_tally[0] += 1
            self._since_tally[1] += size

    def forgot(self, size: int) -> None:
        """Count a job, of so many bytes, that is not kept any more."""
        self._since_tally[0] -= 1
        self._since_tally[1] -= size

    def room(self) -> int:
        """Return the bytes that there is room for."""
        return self._max_bytes - self.tally.bytes - self._since_tally[1] - self._uploads[1]

    def too_many_bytes(self) -> str:
        """Return what the error of a response says for which there is no room."""
        return f"jobs: expected at most {self._max_bytes} bytes ({self._by_bytes}), received more"

    def _check_bytes(self, size: int) -> None:
        if size > self.room():
            raise Overloaded(self.too_many_bytes(), retry_after=60)

    async def _recover(self, entries: Mapping[str, Entry]) -> None:
        """Give jobs back to the queue that are not in it, and that nobody runs."""
        now = time.monotonic()
        unfinished = {job_id: entry for job_id, entry in entries.items() if not entry.end}
        queued = await asyncio.to_thread(self._store.queued) if unfinished else set()
        seen, self._seen = self._seen, {}
        for job_id, entry in unfinished.items():
            if job_id in queued:
                continue
            mark = (entry.attempts, entry.run.beat if entry.run else 0)
            known, since = seen.get(job_id, (None, now))
            self._seen[job_id] = (mark, since if known == mark else now)
            if known != mark or now - since < LEASE_SECONDS:
                continue
            del self._seen[job_id]
            if await asyncio.to_thread(self._run_again, entry):
                self._requeued()
            else:
                self._ended(job_id)

    def _run_again(self, entry: Entry) -> bool:
        """Give a job back to the queue; fail it instead, and return False, after many attempts."""
        if entry.attempts < ATTEMPTS:
            log.warning("job %s: its process is gone: it runs again", entry.job.id)
            self._store.requeue(entry.job.id, entry.attempts + 1)
            return True
        error = JobLost(
            f"job: expected to end in {ATTEMPTS} attempts, received none: "
            "the process ended in each of them"
        )
        log.error("job %s: %s", entry.job.id, error)
        self._store.finish(entry.job, failure(error))
        return False

    async def _expire(self, entries: Mapping[str, Entry]) -> None:
        now = time.time()
        for job_id, entry in entries.items():
            if not entry.end:
                continue
            age = now - entry.end.finished
            if age > self.keep_seconds:
                await asyncio.to_thread(self._store.forget, entry)
            elif (
                entry.job.callback
                and not entry.called
                and age > RECALL_SECONDS
                and await asyncio.to_thread(self._store.claim_recall, job_id)
            ):
                self._recall(job_id)

    def _remove_orphans(self, entries: Mapping[str, Entry]) -> None:
        """Remove the files of uploads and attempts that a crash has cut off."""
        kept = {entry.job.body for entry in entries.values() if not entry.end}
        kept |= {entry.result for entry in entries.values() if entry.end}
        with self._store.reached():
            for blobs in (self._store.bodies, self._store.results):
                for name in blobs.stale(ORPHAN_SECONDS):
                    if name not in kept and not name.startswith((DATABASE, LOCK)):
                        blobs.delete(name)
