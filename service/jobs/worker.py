"""Runs jobs: takes them from the queue, reports on them, and ends them."""

import asyncio
import logging
from collections.abc import Callable

from service.errors import JobsUnavailable, ServiceError, is_shortage
from service.jobs.record import End, Run, failure
from service.jobs.running import Runner, Running
from service.jobs.store import Store

POLL_SECONDS = 1.0
"""How often an idle worker looks for jobs that other processes have queued."""
REPORT_SECONDS = 0.5
"""How often a running job is looked at: whether it was cancelled, how far it is."""
BEATS = 2
"""Looks after which a job is reported on even if it has not advanced."""
RETRY_SECONDS = 2.0
"""How long to wait after a failure of the store."""
STOP_SECONDS = 5.0
"""How long a job that is told to stop may take to, before it is made to."""
RERUNS = 10
"""How often an attempt runs whose store goes away and comes back before it has ended."""

log = logging.getLogger(__name__)


class Worker:
    """Runs jobs of a store, some at a time."""

    def __init__(
        self, store: Store, runner: Runner, ended: Callable[[str], None], concurrency: int
    ) -> None:
        """Create a worker that does nothing yet.

        Args:
            store: Where the jobs are.
            runner: Runs their requests.
            ended: Called with the id of each job that has ended here.
            concurrency: Jobs that run at a time.
        """
        self._store = store
        self._runner = runner
        self._ended = ended
        self._concurrency = concurrency
        self._running: dict[str, Running] = {}
        self._wakened = asyncio.Event()
        self._taking = True
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to take jobs."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._concurrency)]

    def wake(self) -> None:
        """Look for a job now: one was queued."""
        self._wakened.set()

    def cancel(self, job_id: str) -> None:
        """Stop a job that has been cancelled, if it runs here."""
        if running := self._running.get(job_id):
            running.stop.set()

    def rest(self) -> None:
        """Take no more jobs; those that run go on."""
        self._taking = False
        self._wakened.set()

    async def stop(self) -> None:
        """Take no more jobs, give those that run back to the queue, and wait until that is done."""
        self.rest()
        self._stopping = True
        for running in self._running.values():
            running.is_requeued = True
            running.stop.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=2 * STOP_SECONDS)
            for task in late:
                task.cancel()
        self._tasks = []

    async def _work(self) -> None:
        while self._taking:
            try:
                taken = await asyncio.to_thread(self._store.attempts.take)
                if taken is None:
                    await _within(self._wakened, POLL_SECONDS)
                    if self._taking:
                        self._wakened.clear()
                    continue
                await self._run(Running(*taken))
            except ServiceError as error:  # the store is away, or its disk is full
                log.warning("%s", error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception as error:
                if is_shortage(error):  # another attempt runs the job, once its claim is old
                    log.error("cannot run a job: not enough memory")
                else:
                    log.exception("cannot run a job")
                await asyncio.sleep(RETRY_SECONDS)

    async def _run(self, running: Running) -> None:
        job = running.job
        self._running[job.id] = running
        if self._stopping:
            running.is_requeued = True
            running.stop.set()
        reports = asyncio.create_task(self._report(running))
        try:
            try:
                end = await self._outcome(running)
            finally:
                running.over.set()
                await reports  # one that is still being stored would undo a release
            await self._finish(running, end)
        finally:
            del self._running[job.id]

    async def _outcome(self, running: Running) -> End | None:
        """Run a job; again, once the store is back, where it went away before the end."""
        for _ in range(RERUNS):
            try:
                return await self._runner(running)
            except JobsUnavailable as error:
                fault = error
                log.warning("job %s runs again: %s", running.job.id, error)
            while not await _within(running.stop, RETRY_SECONDS):
                try:
                    await asyncio.to_thread(self._store.find, running.job.id)
                    break
                except JobsUnavailable:
                    continue
            if running.stop.is_set():
                return None
        return failure(fault)

    async def _finish(self, running: Running, end: End | None) -> None:
        """Store the end of a job, or give it back; try again as long as the store is away."""
        job = running.job
        while True:
            try:
                if end is not None:
                    if await asyncio.to_thread(self._store.finish, job, end):
                        self._ended(job.id)
                elif self._stopping:
                    release = self._store.attempts.release
                    await asyncio.to_thread(release, job.id, running.attempt)
                    log.info("job %s: requeued, as the service stops: it runs again", job.id)
                return
            except ServiceError as error:
                log.warning("job %s: %s", job.id, error)
                if self._stopping:  # another process finds that it does not run any more
                    return
                await asyncio.sleep(RETRY_SECONDS)

    async def _report(self, running: Running) -> None:
        """Report on a job as long as it runs; stop it where it was cancelled or taken away."""
        job, looks, failed = running.job, 0, False
        reported = (0, 0)
        while not await _within(running.over, REPORT_SECONDS):
            looks += 1
            now = (running.progress.done, running.progress.known)
            if now == reported and looks % BEATS:
                continue
            reported = now
            progress = running.progress
            run = Run(
                running.started,
                looks,
                progress.done,
                progress.total,
                progress.share,
                progress.left(),
            )
            try:
                beat = self._store.attempts.beat
                if not await asyncio.to_thread(beat, job.id, running.attempt, run):
                    running.stop.set()
                    return
                failed = False
            except ServiceError as error:
                if not failed:
                    log.warning("job %s: %s", job.id, error)
                failed = True


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; return whether it came within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
