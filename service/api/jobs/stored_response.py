"""The response of a job, which is stored as its operation's endpoint sends it."""

import asyncio
import contextlib
import time
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.types import Message

from service.api.problems import PROBLEM
from service.api.schemas import Problem
from service.errors import InsufficientStorage, ServiceError, ShuttingDown, problem_document
from service.jobs.blobs import Writer
from service.jobs.jobs import Jobs
from service.jobs.record import End
from service.jobs.running import Running

LONGEST_PROBLEM = 64 * 1024
"""Bytes of an error that are kept."""


class StoredResponse:
    """Stores a response as it is sent; of an error, its problem.

    Attributes:
        fault: Why it cannot be stored, None as long as it can.
        gone: Set when the endpoint is to see that its client is gone.
    """

    def __init__(self, jobs: Jobs, running: Running) -> None:
        self.fault: ServiceError | None = None
        self.gone = asyncio.Event()
        self._jobs = jobs
        self._running = running
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._writer: Writer | None = None
        self._bytes = 0
        self._problem = b""
        self._is_complete = self._is_aborted = False

    @property
    def retry_after(self) -> float:
        """Seconds to wait before the next attempt, as the response says."""
        return float(dict(self._headers).get("retry-after", "1"))

    async def send(self, message: Message) -> None:
        if self.gone.is_set():  # as a server ignores what it cannot send
            return
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
        elif body:
            try:
                await asyncio.to_thread(self._write, body)
            except ServiceError as error:  # which the endpoint would take for its own
                self.fault = error
                self.gone.set()
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
        """Remove what is written and not committed, as far as the store can be reached."""
        if self._writer:
            with contextlib.suppress(ServiceError):
                await asyncio.to_thread(self._abort)

    def _kept(self) -> list[tuple[str, str]]:
        kept = [each for each in self._headers if each[0] not in ("content-length", "connection")]
        return [*kept, ("content-length", str(self._bytes))] if self._bytes else kept

    def _as_problem(self) -> dict[str, Any]:
        try:
            document = orjson.loads(self._problem)
            Problem.model_validate(document)
        except (orjson.JSONDecodeError, ValidationError):
            told = "expected a problem of the operation, received something else"
            return problem_document(self._status, "internal-error", "Internal error", told)
        return dict(document)

    def _write(self, body: bytes | memoryview) -> None:
        self._bytes += len(body)
        # The request's body goes once the response is stored.
        if self._bytes > self._jobs.room.bytes + self._running.job.bytes:
            raise InsufficientStorage(self._jobs.room.too_many_bytes())
        with self._jobs.store.reached():
            self._opened().write(body)

    def _commit(self) -> None:
        with self._jobs.store.reached():
            self._opened().commit()

    def _abort(self) -> None:
        with self._jobs.store.reached():
            self._opened().abort()

    def _opened(self) -> Writer:
        if self._writer is None:
            self._writer = self._jobs.store.results.writer(self._running.result)
        return self._writer
