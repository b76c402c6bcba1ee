"""The body of a job: checked by its first bytes, and stored as it comes, never held as a whole."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from service.api.request import Exchange
from service.jobs.blobs import CHUNK, Writer
from service.jobs.jobs import Jobs
from service.jobs.record import Job

HEAD = 4096
"""Bytes that say what a body is."""


async def store(
    jobs: Jobs, exchange: Exchange, job: Job, check: Callable[[bytes], object], limit: int
) -> Job:
    """Receive the body of a job, and queue the job.

    Args:
        jobs: Where to.
        exchange: The request.
        job: The job, but for the size of its body.
        check: Called with the first bytes of the body before any is stored; raises to refuse it.
        limit: Most bytes of the body.

    Returns:
        The job, which is in the queue by now.

    Raises:
        Overloaded: There are too many jobs, or bytes.
        InsufficientStorage: There is no room.
        JobsUnavailable: The store cannot be reached.
        ServiceError: As Exchange.pieces() and check() raise it; nothing is stored then.
    """
    counted = exchange.length(limit)
    jobs.keeper.reserve(counted)
    writer: Writer | None = None
    pieces: list[bytes] = []
    size = held = 0
    is_checked = is_stored = False

    def write() -> None:
        assert writer is not None
        with jobs.store.reached():
            for piece in pieces:
                writer.write(piece)
        pieces.clear()

    def commit() -> None:
        assert writer is not None
        write()
        with jobs.store.reached():
            writer.commit()

    try:
        async for piece in exchange.pieces(limit):
            pieces.append(piece)
            size += len(piece)
            held += len(piece)
            if size > counted:
                jobs.keeper.grow(size - counted)
                counted = size
            if not is_checked and size >= HEAD:
                check(b"".join(pieces))
                is_checked = True
            if is_checked and held >= CHUNK:
                writer = writer or await jobs.writer(job)
                await asyncio.to_thread(write)
                held = 0
        if not is_checked:
            check(b"".join(pieces))
        writer = writer or await jobs.writer(job)
        await asyncio.to_thread(commit)
        job = replace(job, bytes=size)
        await jobs.add(job)
        is_stored = True
    finally:
        if writer and not is_stored:
            await asyncio.to_thread(writer.abort)
        jobs.keeper.settle(counted, stored=is_stored)
    return job
