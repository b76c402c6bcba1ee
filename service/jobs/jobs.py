"""The jobs of a service: one object that creates, finds, runs, cancels and forgets them."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from service.errors import JobNotFound, ServiceError
from service.inference.caller import Caller
from service.jobs.backend import Backend
from service.jobs.blobs import Writer
from service.jobs.callback import Callbacks
from service.jobs.keeper import Keeper
from service.jobs.record import End, Entry, Job
from service.jobs.recovery import Recovery
from service.jobs.room import Room
from service.jobs.running import Runner
from service.jobs.store import Store
from service.jobs.tally import Tally
from service.jobs.worker import Worker

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """What the settings say of jobs.

    Attributes:
        max_jobs: Jobs that are kept, finished ones included.
        max_bytes: Bytes of their bodies and responses.
        keep_seconds: How long a job is kept after its end.
        concurrency: Jobs that run at a time in a process.
        callback_hosts: Hosts that may be told, separated by commas.
        names: The names of the settings of max_jobs, max_bytes and callback_hosts, for errors.
        root_path: The path under which clients reach the service, "" for the root of its host.
    """

    max_jobs: int
    max_bytes: int
    keep_seconds: float
    concurrency: int
    callback_hosts: str
    names: tuple[str, str, str]
    root_path: str = ""

    def path(self, job_id: str) -> str:
        """Return the path of a job, as clients ask for it."""
        return f"{self.root_path}/jobs/{job_id}"


def not_found(job_id: str) -> JobNotFound:
    """Return the error of a job that is not there, or is none of the caller's."""
    return JobNotFound(f"job: expected the id of one that is kept, received {job_id[:40]!r}")


class Jobs:
    """The jobs of one process, which may share their store with others.

    Attributes:
        callbacks: Whom clients may have told of the end.
        options: What the settings say.
        room: What may still be stored.
    """

    def __init__(
        self,
        backend: Backend,
        options: Options,
        runner_of: Callable[["Jobs"], Runner],
        describe: Callable[["Jobs", Entry], bytes],
    ) -> None:
        """Create jobs of a backend; nothing runs before start().

        Args:
            backend: What stores them.
            options: What the settings say.
            runner_of: Returns what runs stored requests.
            describe: Returns the document of a job that a callback gets.

        Raises:
            JobsUnavailable: The backend cannot be read or written.
        """
        by_jobs, by_bytes, by_hosts = options.names
        self.options = options
        self.callbacks = Callbacks(options.callback_hosts, by_hosts)
        self._store = Store(backend)
        self._describe = describe
        self._worker = Worker(self._store, runner_of(self), self._ended, options.concurrency)
        self.room = Room(options.max_jobs, options.max_bytes, (by_jobs, by_bytes))
        recovery = Recovery(self._store, self._worker.wake, self._ended)
        self._keeper = Keeper(
            self._store, self.room, recovery, options.keep_seconds, recall=self._ended
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading = asyncio.Lock()
        if backend.lock and backend.lock.is_alone:
            recovery.at_start()
            backend.lock.share()

    @property
    def tally(self) -> Tally:
        """How many there are, a few seconds old at most."""
        return self.room.tally

    @property
    def store(self) -> Store:
        """Where they are."""
        return self._store

    def start(self) -> None:
        """Begin to run jobs, and to look after them."""
        self._spawn(self._keeper.keep())
        self._worker.start()

    def rest(self) -> None:
        """Take no more jobs; those that run go on."""
        self._worker.rest()

    async def stop(self) -> None:
        """Give the jobs that run back to the queue, and let go of the store."""
        await self._worker.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._store.close)

    async def writer(self, job: Job) -> Writer:
        """Return what writes the body of a job."""

        def create() -> Writer:
            with self._store.reached():
                return self._store.bodies.writer(job.body)

        return await asyncio.to_thread(create)

    async def add(self, job: Job, caller: Caller) -> None:
        """Queue a job of a caller whose body is written."""
        await asyncio.to_thread(self._store.add, job, caller)
        self._worker.wake()

    async def discard(self, job: Job) -> None:
        """Remove what there may be of a job that could not be added, now or later."""
        await self._keeper.discard(job)

    async def find(self, job_id: str) -> Entry:
        """Return what is known of a job. Raises JobNotFound."""
        entry = await asyncio.to_thread(self._store.find, job_id)
        if entry is None:
            raise not_found(job_id)
        return entry

    async def entries(self) -> list[Entry]:
        """Return what is known of every job; several callers wait for one another."""
        async with self._reading:
            found = await asyncio.to_thread(self._store.entries, tidy=False)
        return list(found.values())

    async def remove(self, job_id: str) -> None:
        """Cancel a job, or forget one that has ended. Raises JobNotFound."""
        entry = await self.find(job_id)
        if entry.end is None:
            end = End("cancelled", time.time())
            if await asyncio.to_thread(self._store.finish, entry.job, end):
                self._worker.cancel(job_id)
                self._ended(job_id)
                return
            entry = await self.find(job_id)
        await asyncio.to_thread(self._store.forget, entry)
        self.room.forgot(entry.bytes)

    def has_response(self, entry: Entry) -> bool:
        """Return whether the response of a job that succeeded is still there."""
        with self._store.reached():
            return self._store.results.exists(entry.result)

    def response(self, entry: Entry) -> Iterator[bytes]:
        """Yield the body of a response; the caller's thread blocks."""
        with self._store.reached():
            yield from self._store.results.chunks(entry.result)

    def _ended(self, job_id: str) -> None:
        self._spawn(self._call(job_id))

    async def _call(self, job_id: str) -> None:
        """Tell the callback of a job that has ended, if it has one."""
        try:
            entry = await self.find(job_id)
            if entry.job.callback:
                body = self._describe(self, entry)
                await self.callbacks.call(entry.job.callback, body, entry.job.request_id)
                await asyncio.to_thread(self._store.mark_called, job_id)
        except JobNotFound:
            return  # it has been forgotten since
        except ServiceError as error:
            log.warning("job %s: its callback was not told: %s", job_id, error)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
