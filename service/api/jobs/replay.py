"""Runs a stored request: through the endpoint of its operation, as if it had just come."""

import asyncio
import contextlib
import contextvars
from collections.abc import Coroutine
from typing import Any

from service.api.jobs.stored_request import StoredRequest
from service.api.jobs.stored_response import StoredResponse
from service.api.operations import Endpoints
from service.errors import (
    InsufficientMemory,
    JobLost,
    JobsUnavailable,
    Overloaded,
    ServiceError,
    is_shortage,
)
from service.inference.queue import BACKGROUND
from service.jobs.jobs import Jobs
from service.jobs.progress import PROGRESS, JobAdmission, Progress
from service.jobs.record import End, failure
from service.jobs.running import Running
from service.jobs.worker import STOP_SECONDS


class Replay:
    """Runs stored requests, as service.jobs.running.Runner says."""

    def __init__(self, jobs: Jobs, endpoints: Endpoints, admission: JobAdmission) -> None:
        """Run the requests of jobs through endpoints, by operation, which admit them so."""
        self._jobs = jobs
        self._endpoints = endpoints
        self._admission = admission

    async def __call__(self, running: Running) -> End | None:
        try:
            while not running.stop.is_set():
                response = StoredResponse(self._jobs, running)
                try:
                    end = await self._replay(running, response)
                finally:
                    await response.drop()  # unless it is committed
                if end is None or end.status != Overloaded.status:
                    return end
                with contextlib.suppress(TimeoutError):  # it waits for its turn
                    async with asyncio.timeout(response.retry_after):
                        await running.stop.wait()
        except JobsUnavailable:  # which says nothing of the job
            raise
        except ServiceError as error:
            return failure(error)
        return None

    async def _replay(self, running: Running, response: StoredResponse) -> End | None:
        body = await asyncio.to_thread(self._body, running)
        if body is None:
            raise JobLost("job: expected its body in the store, received none")
        running.progress = Progress()
        request = StoredRequest(running.job, body, response.gone, response.abort)
        del body
        endpoint = self._endpoints[running.job.operation]
        context = contextvars.copy_context()
        context.run(BACKGROUND.set, self._admission.lets_others_first)
        context.run(PROGRESS.set, running.progress)
        handled: Coroutine[Any, Any, None] = endpoint(request.scope, request.receive, response.send)
        task = asyncio.get_running_loop().create_task(handled, context=context)
        ends = [asyncio.create_task(each.wait()) for each in (running.stop, response.gone)]
        try:
            await asyncio.wait((task, *ends), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():  # it sees that its client is gone
                if running.stop.is_set():
                    request.stop(is_requeued=running.is_requeued)
                response.gone.set()
                await asyncio.wait((task,), timeout=STOP_SECONDS)
        finally:
            for each in (task, *ends):
                each.cancel()
            await asyncio.wait((task,))
        if response.fault:
            raise response.fault
        if running.stop.is_set():
            return None
        if not task.cancelled() and (error := task.exception()):
            if isinstance(error, ServiceError):
                raise error
            if is_shortage(error):
                raise InsufficientMemory(retry_after=1)
            return failure(ServiceError(f"the log has it under {running.job.request_id}"))
        return await response.end()

    def _body(self, running: Running) -> bytes | None:
        """Return the body of a job, None where it, or a part of it, is gone."""
        bodies = self._jobs.store.bodies
        with self._jobs.store.reached():
            if not bodies.exists(running.job.body):
                return None
            try:
                return b"".join(bodies.chunks(running.job.body))
            except FileNotFoundError:
                return None
