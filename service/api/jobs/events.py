"""GET /jobs/{id}/events: the document of a job each time it changes, as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from service.api.jobs.document import described
from service.api.jobs.read import UNKNOWN, JobId, finder, present
from service.api.openapi import problems
from service.errors import JobNotFound, JobsUnavailable, Overloaded
from service.jobs.jobs import Jobs
from service.jobs.record import Entry

MAX_STREAMS = 256
"""Streams of a process at a time."""
LOOK_SECONDS = 0.5
"""Between two looks at a job, which any process may run."""
RETRY_MILLISECONDS = 2000
"""After which a client connects again."""


def create_router(jobs: Jobs | None, is_draining: Callable[[], bool]) -> APIRouter:
    """Return the route.

    Args:
        jobs: The jobs; None where they are off.
        is_draining: Returns whether graceful shutdown has begun, which ends the streams.
    """
    router = APIRouter(prefix="/jobs", tags=["jobs"])
    find = finder(jobs)
    streams = 0

    async def found(job_id: JobId, request: Request) -> Entry:
        entry = await find(job_id, request)
        if streams >= MAX_STREAMS:
            raise Overloaded(
                f"events: expected at most {MAX_STREAMS} streams, received one more", retry_after=5
            )
        return entry

    @router.get(
        "/{id}/events",
        response_class=EventSourceResponse,
        responses=UNKNOWN | problems({429: "There are too many streams"}),
    )
    async def events(entry: Annotated[Entry, Depends(found)]) -> AsyncIterator[ServerSentEvent]:
        """The job whenever it changes, as events `progress`, and once it has finished as `end`."""
        nonlocal streams
        streams += 1
        try:
            async for event in _events(present(jobs), entry, is_draining):
                yield event
        finally:
            streams -= 1

    return router


async def _events(
    jobs: Jobs, entry: Entry, is_draining: Callable[[], bool]
) -> AsyncIterator[ServerSentEvent]:
    sent = b""
    while not is_draining():
        shown = described(jobs, entry)
        if entry.end:
            yield _event("end", shown)
            return
        if shown != sent:
            yield _event("progress", shown)
            sent = shown
        await asyncio.sleep(LOOK_SECONDS)
        try:
            entry = await jobs.find(entry.job.id)
        except JobNotFound:  # it has been forgotten
            return
        except JobsUnavailable:
            continue


def _event(kind: str, shown: bytes) -> ServerSentEvent:
    return ServerSentEvent(raw_data=shown.decode(), event=kind, retry=RETRY_MILLISECONDS)
