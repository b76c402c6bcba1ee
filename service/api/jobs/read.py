"""GET /jobs/{id} and /jobs/{id}/result, and DELETE: what a job does, its response, its end."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.responses import StreamingResponse

from service.access.identity import identity_of
from service.api.jobs.document import JobDocument, document
from service.api.openapi import problems
from service.api.openapi_operations import describe
from service.api.origin import check_origin
from service.api.problems import PROBLEM
from service.errors import JobCancelled, JobNotFinished, JobNotFound, JobsOff
from service.jobs.jobs import Jobs, not_found
from service.jobs.record import Entry

OFF = "jobs: expected SERVICE_JOBS_DIR or SERVICE_JOBS_URL to be set, received neither"
PRIVATE = "no-store"
"""Cache-Control of job responses: a job's state changes, and its data are private."""
LONGEST_PAUSE = 30
"""Seconds of a Retry-After, at most."""

JobId = Annotated[str, Path(alias="id", description="as POST /jobs returned it")]
UNKNOWN = problems(
    {
        404: "No such job, or none any more",
        501: "Jobs are off",
        503: "The store of jobs cannot be reached",
    }
)


def finder(jobs: Jobs | None) -> Callable[[str, Request], Awaitable[Entry]]:
    """Return what finds a job of a caller by its id; jobs are None where they are off."""

    async def find(job_id: JobId, request: Request) -> Entry:
        entry = await present(jobs).find(job_id)
        if not identity_of(request.scope).may_see(entry.job.owner):
            raise not_found(job_id)
        return entry

    return find


def present(jobs: Jobs | None) -> Jobs:
    """Return the jobs. Raises JobsOff."""
    if jobs is None:
        raise JobsOff(OFF)
    return jobs


def create_router(jobs: Jobs | None, origins: Collection[str]) -> APIRouter:
    """Return the routes.

    Args:
        jobs: The jobs; None where they are off.
        origins: Other origins whose pages may remove jobs, "*" for any.
    """
    router = APIRouter(prefix="/jobs", tags=["jobs"])
    find = finder(jobs)

    def check(request: Request) -> None:
        check_origin(lambda name: request.headers.get(name.decode(), ""), origins)

    @router.get("/{id}", responses=UNKNOWN)
    async def job(entry: Annotated[Entry, Depends(find)], response: Response) -> JobDocument:
        """A job: its state, how far it is, how long it takes, where its result is."""
        response.headers["Cache-Control"] = PRIVATE
        return document(present(jobs), entry)

    @router.get(
        "/{id}/result",
        response_class=Response,
        responses=describe("denoise")["responses"]
        | UNKNOWN
        | problems(
            {
                409: "The job has not finished, was cancelled, or asks for what no model offers",
                500: "The job failed, or was lost with the process that ran it",
            }
        ),
    )
    async def result(entry: Annotated[Entry, Depends(find)]) -> Response:
        """The response of the operation, as it would have been sent; of a failed job, its error."""
        return await _response(present(jobs), entry)

    @router.delete(
        "/{id}",
        status_code=204,
        dependencies=[Depends(check)],
        responses=UNKNOWN | problems({403: "A page of another origin asks"}),
    )
    async def remove(entry: Annotated[Entry, Depends(find)]) -> Response:
        """Cancel a job, or forget one that has finished and its result."""
        await present(jobs).remove(entry.job.id)
        return Response(status_code=204)

    return router


async def _response(jobs: Jobs, entry: Entry) -> Response:
    """Return the stored response of a job. Raises JobNotFinished, JobCancelled or JobNotFound."""
    end, job = entry.end, entry.job
    if end is None:
        left = entry.run.left if entry.run else None
        pause = min(LONGEST_PAUSE, max(1, round(left or 1)))
        raise JobNotFinished(
            f"job: expected one that has finished, received one that is {entry.state}",
            retry_after=pause,
        )
    if end.state == "cancelled":
        raise JobCancelled("job: expected one that has succeeded, received one that was cancelled")
    if end.state == "failed":
        response = Response(orjson.dumps(end.problem), end.status, media_type=PROBLEM)
        kept = [each for each in end.headers if each[0] not in ("content-type", "retry-after")]
        for name, value in kept:
            response.headers[name] = value
    else:
        if not await asyncio.to_thread(jobs.has_response, entry):
            raise JobNotFound(f"job: expected one whose result is kept, received {job.id}")
        response = StreamingResponse(jobs.response(entry), end.status)
        response.raw_headers = [(name.encode(), value.encode()) for name, value in end.headers]
    response.headers["Cache-Control"] = PRIVATE
    return response
