"""A job of the service, as Client and AsyncClient return it."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator

from service.client import job_calls
from service.client.job_status import JobStatus, Watch
from service.client.results import Returned
from service.client.runners import AsyncRunner, Runner


class Job:
    """A job of the service.

    Attributes:
        status: What the service last said of it.
    """

    def __init__(self, runner: Runner, status: JobStatus, *, is_single: bool = False) -> None:
        self._runner = runner
        self._is_single = is_single
        self.status = status

    @property
    def id(self) -> str:
        """The job's identifier, for Client.job()."""
        return self.status.id

    def refresh(self) -> JobStatus:
        """Ask for the job's status, and return it."""
        self.status = self._runner.run(job_calls.look(self._runner.calls, self.id))
        return self.status

    def events(self, *, timeout: float | None = None) -> Iterator[JobStatus]:
        """Yield the job's status whenever the service tells it, the last one finished.

        Server-sent events tell it; where a proxy holds these up, the status is asked for.

        Args:
            timeout: Seconds after which to give up; None waits as long as it takes.

        Raises:
            TimeoutError: The job is not finished by then.
            ServiceError: The job is gone, or the service cannot be reached.
        """
        watch = Watch(self.id, timeout)
        silence, calls = watch.silence(), self._runner.calls
        with contextlib.closing(self._runner.statuses(self.id, silence)) as told:
            for status in told:
                if status:
                    self.status = status
                    yield status
                if self.status.is_finished:
                    return
                if watch.left() < silence:  # the next event could be too late
                    break
        self.status = self._runner.run(job_calls.look(calls, self.id, watch))
        yield self.status
        while not self.status.is_finished:
            self.status = self._runner.run(job_calls.look_later(calls, self.status, watch))
            yield self.status

    def wait(
        self,
        progress: Callable[[JobStatus], object] | None = None,
        *,
        timeout: float | None = None,
    ) -> JobStatus:
        """Wait until the job is finished; call `progress` with each status on the way.

        Raises:
            TimeoutError: The job is not finished within so many seconds.
            ServiceError: The job is gone, or the service cannot be reached.
        """
        if not self.status.is_finished:
            for status in self.events(timeout=timeout):
                if progress:
                    progress(status)
        return self.status

    def result(self, *, timeout: float | None = None) -> Returned:
        """Wait until the job is finished, and return what its operation returns.

        Raises:
            JobCancelled: The job was cancelled.
            TimeoutError: The job is not finished within so many seconds.
            ServiceError: The operation failed, as the operation itself raises it.
        """
        last = self.wait(timeout=timeout)
        return self._runner.run(
            job_calls.result(self._runner.calls, last, is_single=self._is_single)
        )

    def cancel(self) -> None:
        """Cancel the job, or forget its result."""
        self._runner.run(job_calls.cancel(self._runner.calls, self.id))


class AsyncJob:
    """A job of the service: Job for asyncio.

    Attributes:
        status: What the service last said of it.
    """

    def __init__(self, runner: AsyncRunner, status: JobStatus, *, is_single: bool = False) -> None:
        self._runner = runner
        self._is_single = is_single
        self.status = status

    @property
    def id(self) -> str:
        """The job's identifier, for AsyncClient.job()."""
        return self.status.id

    async def refresh(self) -> JobStatus:
        """Ask for the job's status, and return it."""
        self.status = await self._runner.run(job_calls.look(self._runner.calls, self.id))
        return self.status

    async def events(self, *, timeout: float | None = None) -> AsyncGenerator[JobStatus]:  # noqa: ASYNC109
        """Yield the job's status whenever the service tells it: Job.events."""
        watch = Watch(self.id, timeout)
        silence, calls = watch.silence(), self._runner.calls
        async with contextlib.aclosing(self._runner.statuses(self.id, silence)) as told:
            async for status in told:
                if status:
                    self.status = status
                    yield status
                if self.status.is_finished:
                    return
                if watch.left() < silence:  # the next event could be too late
                    break
        self.status = await self._runner.run(job_calls.look(calls, self.id, watch))
        yield self.status
        while not self.status.is_finished:
            self.status = await self._runner.run(job_calls.look_later(calls, self.status, watch))
            yield self.status

    async def wait(
        self,
        progress: Callable[[JobStatus], object] | None = None,
        *,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> JobStatus:
        """Wait until the job is finished; call `progress` with each status on the way: Job.wait."""
        if not self.status.is_finished:
            events = self.events(timeout=timeout)
            async with contextlib.aclosing(events):
                async for status in events:
                    if progress:
                        progress(status)
        return self.status

    async def result(self, *, timeout: float | None = None) -> Returned:  # noqa: ASYNC109
        """Wait until the job is finished, and return what its operation returns: Job.result."""
        last = await self.wait(timeout=timeout)
        return await self._runner.run(
            job_calls.result(self._runner.calls, last, is_single=self._is_single)
        )

    async def cancel(self) -> None:
        """Cancel the job, or forget its result."""
        await self._runner.run(job_calls.cancel(self._runner.calls, self.id))
