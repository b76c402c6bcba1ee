"""Runs a stored request: through the endpoint of its operation, as if it had just come."""

import asyncio
import contextlib
import contextvars
import time
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from starlette.types import Message

from service.api.operations import Endpoints
from service.api.problems import PROBLEM
from service.api.request import ABORT
from service.errors import (
    InsufficientStorage,
    JobLost,
    Overloaded,
    ServiceError,
    ShuttingDown,
    problem_document,
)
from service.inference.queue import BACKGROUND
from service.jobs.jobs import Jobs
from service.jobs.progress import PROGRESS, Progress
from service.jobs.record import End, failure
from service.jobs.worker import STOP_SECONDS, Running

LONGEST_PROBLEM = 64 * 1024
"""Bytes of an error that are kept."""


class Replay:
    """Runs stored requests, as service.jobs.worker.Runner says."""

    def __init__(self, jobs: Jobs, endpoints: Endpoints) -> None:
        """Run the requests of jobs through endpoints, by operation."""
        self._jobs = jobs
        self._endpoints = endpoints

    async def __call__(self, running: Running) -> End | None:
        try:
            while not running.stop.is_set():
                response = _Response(self._jobs, running)
                try:
                    end = await self._replay(running, response)
                finally:
                    await response.drop()  # unless it is committed
                if end is None or end.status != Overloaded.status:
                    return end
                with contextlib.suppress(TimeoutError):  # it waits for its turn
                    async with asyncio.timeout(response.retry_after):
                        await running.stop.wait()
        except ServiceError as error:
            return failure(error)
        return None

    async def _replay(self, running: Running, response: "_Response") -> End | None:
        body = await asyncio.to_thread(self._body, running)
        if body is None:
            raise JobLost("job: expected its body in the store, received none")
        running.progress = Progress()
        request = _Request(running, body, response.abort)
        del body
        endpoint = self._endpoints[running.job.operation]
        context = contextvars.copy_context()
        context.run(BACKGROUND.set, True)
        context.run(PROGRESS.set, running.progress)
        handled: Coroutine[Any, Any, None] = endpoint(request.scope, request.receive, response.send)
        task = asyncio.get_running_loop().create_task(handled, context=context)
        stopped = asyncio.create_task(running.stop.wait())
        try:
            await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():  # it sees that its client is gone
                await asyncio.wait((task,), timeout=STOP_SECONDS)
        finally:
            stopped.cancel()
            task.cancel()
            await asyncio.wait((task,))
        if running.stop.is_set():
            if not response.overflowed:
                return None
            raise InsufficientStorage(self._jobs.keeper.too_many_bytes())
        if not task.cancelled() and (error := task.exception()):
            if isinstance(error, ServiceError):
                raise error
            return failure(ServiceError(f"the log has it under {running.job.request_id}"))
        return await response.end()

    def _body(self, running: Running) -> bytes | None:
        store = self._jobs.store
        with store.reached():
            if not store.bodies.exists(running.job.body):
                return None
            return b"".join(store.bodies.chunks(running.job.body))


class _Request:
    """The ASGI side of a stored request."""

    def __init__(self, running: Running, body: bytes, abort: Callable[[], None]) -> None:
        job = running.job
        self._stop = running.stop
        self._body: bytes | None = body
        path = f"/{job.operation}"
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in job.headers]
        headers.append((b"content-length", b"%d" % len(body)))
        headers.append((b"x-request-id", job.request_id.encode("latin-1")))
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": job.query.encode("latin-1"),
            "headers": headers,
            "extensions": {ABORT: abort},
        }

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._stop.wait()
        return {"type": "http.disconnect"}


class _Response:
    """Stores a response as it is sent; of an error, its problem.

    Attributes:
        overflowed: Whether there was no room for it.
    """

    def __init__(self, jobs: Jobs, running: Running) -> None:
        self.overflowed = False
        self._jobs = jobs
        self._running = running
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._writer: Any = None
        self._bytes = 0
        self._problem = b""
        self._is_complete = self._is_aborted = False

    @property
    def retry_after(self) -> float:
        """Seconds to wait before the next attempt, as the response says."""
        return float(dict(self._headers).get("retry-after", "1"))

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = [
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in message["headers"]
            ]
            return
        body = message.get("body", b"")
        if self._status >= 300:
            self._problem += bytes(body[: LONGEST_PROBLEM - len(self._problem)])
        elif body and not self._running.stop.is_set():
            await asyncio.to_thread(self._write, body)
        self._is_complete = not message.get("more_body", False)

    def abort(self) -> None:
        """Note that the endpoint gives up in the middle of its response."""
        self._is_aborted = True

    async def end(self) -> End | None:
        """Return what the response makes of the job; None where the service stops."""
        if self._is_aborted or not self._is_complete:
            raise ServiceError("expected a whole response, received a part of it")
        if self._status >= 300:
            problem = self._as_problem()
            if problem["code"] == ShuttingDown.code:
                return None
            return End(
                "failed",
                time.time(),
                status=self._status,
                headers=self._kept(),
                media_type=PROBLEM,
                problem=problem,
            )
        await asyncio.to_thread(self._commit)
        return End(
            "succeeded",
            time.time(),
            self._running.attempt,
            self._status,
            self._kept(),
            dict(self._headers).get("content-type", ""),
            self._bytes,
            self._running.progress.known,
        )

    async def drop(self) -> None:
        """Remove what is written and not committed."""
        if self._writer:
            await asyncio.to_thread(self._writer.abort)

    def _kept(self) -> list[tuple[str, str]]:
        kept = [each for each in self._headers if each[0] not in ("content-length", "connection")]
        return [*kept, ("content-length", str(self._bytes))] if self._bytes else kept

    def _as_problem(self) -> dict[str, Any]:
        try:
            problem = orjson.loads(self._problem)
        except orjson.JSONDecodeError:
            problem = problem_document(self._status, "internal-error", "Internal error", "")
        return dict(problem)

    def _write(self, body: bytes | memoryview) -> None:
        self._bytes += len(body)
        # The request's body goes once the response is stored.
        if self._bytes > self._jobs.keeper.room() + self._running.job.bytes:
            self.overflowed = True
            self._running.stop.set()
            return
        with self._jobs.store.reached():
            if self._writer is None:
                self._writer = self._jobs.store.results.writer(self._running.result)
            self._writer.write(body)

    def _commit(self) -> None:
        with self._jobs.store.reached():
            if self._writer is None:
                self._writer = self._jobs.store.results.writer(self._running.result)
            self._writer.commit()
