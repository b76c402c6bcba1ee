"""Recovers jobs whose process is gone: it does not report on them any more."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from service.errors import JobLost
from service.jobs.entries import ATTEMPTS
from service.jobs.record import Entry, failure
from service.jobs.store import Store

LEASE_SECONDS = 10.0
"""After which a job that runs and is not reported on is run again. It is measured by the clock of
the process that looks, so clocks need not agree."""

log = logging.getLogger(__name__)


class Recovery:
    """Gives jobs back to the queue that are not in it, and that nobody runs."""

    def __init__(
        self, store: Store, requeued: Callable[[], None], ended: Callable[[str], None]
    ) -> None:
        """Create a recovery that has not looked yet.

        Args:
            store: Where the jobs are.
            requeued: Called when a job was given back to the queue.
            ended: Called with the id of a job that is given up.
        """
        self._store = store
        self._requeued, self._ended = requeued, ended
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}

    def at_start(self) -> None:
        """Give all jobs back that have not ended, where no other process can run them.

        Raises:
            JobsUnavailable: The store cannot be read or written.
        """
        queued = self._store.attempts.queued()
        for job_id, entry in self._store.entries().items():
            if not entry.end and job_id not in queued:
                self._run_again(entry)

    def begin_anew(self) -> None:
        """Forget what was seen: nobody could report to a store that was away."""
        self._seen.clear()

    async def look(self, entries: Mapping[str, Entry]) -> None:
        """Give jobs back that nobody has reported on for too long."""
        now = time.monotonic()
        unfinished = {job_id: entry for job_id, entry in entries.items() if not entry.end}
        queued = await asyncio.to_thread(self._store.attempts.queued) if unfinished else set()
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
            self._store.attempts.requeue(entry.job.id, entry.attempts + 1)
            return True
        error = JobLost(
            f"job: expected to end in {ATTEMPTS} attempts, received none: "
            "the process ended in each of them"
        )
        log.error("job %s: %s", entry.job.id, error)
        self._store.finish(entry.job, failure(error))
        return False
