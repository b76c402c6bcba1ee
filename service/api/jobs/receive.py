"""The body of a job: checked by its first bytes, and stored as it comes, never held as a whole."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from service.api.request import Exchange
from service.api.streaming import pieces
from service.errors import ServiceError
from service.inference.caller import Caller
from service.jobs.blobs import CHUNK, Writer
from service.jobs.jobs import Jobs
from service.jobs.record import Job

HEAD = 4096
"""Bytes that say what a body is."""


async def store(
    jobs: Jobs,
    exchange: Exchange,
    job: Job,
    check: Callable[[bytes], object],
    accept: Callable[[int], Awaitable[None]],
    limit: int,
) -> Job:
    """Receive the body of a job, and queue the job.

    Args:
        jobs: Where to.
        exchange: The request.
        job: The job, but for the size of its body.
        check: Called with the first bytes of the body before any is stored; raises to refuse it.
        accept: Called with the size of the body once all of it is stored, before the job is
            queued; raises to refuse it.
        limit: Most bytes of the body.

    Returns:
        The job, which is in the queue by now.

    Raises:
        Overloaded: There are too many jobs, or bytes.
        InsufficientStorage: There is no room.
        JobsUnavailable: The store cannot be reached.
        ServiceError: As pieces(), check() and accept() raise it; nothing is stored then.
    """
    jobs.room.reserve(job.id, exchange.length(limit))
    upload = _Upload(jobs, job, exchange.caller, check, accept)
    is_stored = False
    try:
        async for piece in pieces(exchange, limit):
            jobs.room.grow(job.id, len(piece))
            await upload.take(piece)
        job = await upload.end()
        is_stored = True
    finally:
        try:
            if not is_stored:
                await upload.drop()
        finally:
            jobs.room.settle(job.id, stored=is_stored)
    return job


class _Upload:
    """A body that is being stored, piece by piece."""

    def __init__(
        self,
        jobs: Jobs,
        job: Job,
        caller: Caller,
        check: Callable[[bytes], object],
        accept: Callable[[int], Awaitable[None]],
    ) -> None:
        self._jobs = jobs
        self._job = job
        self._caller = caller
        self._check = check
        self._accept = accept
        self._pieces: list[bytes] = []
        self._size = self._held = 0
        self._is_checked = self._may_be_stored = False
        self._writer: Writer | None = None
        self._doing: asyncio.Task[None] | None = None

    async def take(self, piece: bytes) -> None:
        """Store a piece, or hold it until there are enough."""
        self._pieces.append(piece)
        self._size += len(piece)
        self._held += len(piece)
        if not self._is_checked and self._size >= HEAD:
            self._check_head()
        if self._is_checked and self._held >= CHUNK:
            await self._do(self._write)
            self._held = 0

    async def end(self) -> Job:
        """Store the rest of the body, and the job; return it."""
        if not self._is_checked:
            self._check_head()
        await self._do(self._commit)
        await self._accept(self._size)
        job = replace(self._job, bytes=self._size)
        self._may_be_stored = True
        self._doing = asyncio.create_task(self._jobs.add(job, self._caller))
        await asyncio.shield(self._doing)
        return job

    async def drop(self) -> None:
        """Remove all that is stored, or may be."""
        if self._doing:  # after a cancelled request, its thread still runs
            await asyncio.gather(self._doing, return_exceptions=True)
        if self._writer:
            with contextlib.suppress(ServiceError):
                await asyncio.to_thread(self._abort)
        if self._may_be_stored:
            await self._jobs.discard(self._job)

    def _check_head(self) -> None:
        self._check(b"".join(self._pieces))
        self._is_checked = True

    async def _do(self, blocking: Callable[[], None]) -> None:
        """Call what blocks in a thread, which drop() waits for."""
        self._doing = asyncio.create_task(asyncio.to_thread(blocking))
        await asyncio.shield(self._doing)

    def _write(self) -> None:
        with self._jobs.store.reached():
            self._write_to(self._opened())

    def _commit(self) -> None:
        with self._jobs.store.reached():
            writer = self._opened()
            self._write_to(writer)
            self._may_be_stored = True
            writer.commit()

    def _abort(self) -> None:
        with self._jobs.store.reached():
            self._opened().abort()

    def _opened(self) -> Writer:
        self._writer = self._writer or self._jobs.store.bodies.writer(self._job.body)
        return self._writer

    def _write_to(self, writer: Writer) -> None:
        for piece in self._pieces:
            writer.write(piece)
        self._pieces.clear()
