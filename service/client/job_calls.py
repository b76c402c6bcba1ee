"""The calls of jobs, without I/O: they are submitted, looked at, fetched and cancelled."""

import functools
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from service.client import calls, images, job_status, responses
from service.client.calls import Calls
from service.client.errors import InternalError, JobCancelled, JobNotFound
from service.client.events import MEDIA_TYPE
from service.client.flow import Flow, Pause, Request, Work
from service.client.images import ImageLike
from service.client.job_status import JobStatus, State, Watch
from service.client.options import Operation
from service.client.results import Result, Returned
from service.client.retries import Retries

SOON, LATE = 0.25, 5.0
"""Seconds between two looks at a job, the least and the most."""
PATIENT = 12
"""Attempts of a minute or two in all, which outlast a restart: jobs do, too."""


def submit(
    shared: Calls, image: ImageLike | Result, operation: Operation, chosen: Mapping[str, Any]
) -> Flow[tuple[JobStatus, bool]]:
    """Submit a job; return its status, and whether it has one image without a batch axis."""
    if operation == "neighbours" and isinstance(image, Result):
        chosen = {"of": "codings", **chosen}
    is_coded = operation == "decode" or chosen.get("of") == "codings"
    read = calls.coded if is_coded else images.read
    body = yield Work(functools.partial(read, image))  # type: ignore[arg-type]
    own = {name: value for name, value in chosen.items() if name != "callback"}
    request = yield from shared.request(operation, body, own)
    query = {"operation": operation, **request.query}
    if chosen.get("callback"):
        query["callback"] = chosen["callback"]
    # Sent again without knowing that the first has not arrived, it would be a second job.
    job = Request("POST", "jobs", query, request.headers, request.content, is_idempotent=False)
    response = yield from shared.retries.send(job)
    return responses.read(response, "a job", job_status.read), body.is_single


def page(
    shared: Calls, states: Collection[State], cursor: str
) -> Flow[tuple[list[JobStatus], str]]:
    """Ask for jobs in some states, in any for none; return them and the cursor of the next page."""
    given = {"state": ",".join(states), "cursor": cursor}
    query = {name: value for name, value in given.items() if value}
    response = yield from shared.retries.send(Request("GET", "jobs", query))
    return responses.read(response, "jobs", job_status.read_page)


def look(shared: Calls, job: str, watch: Watch | None = None) -> Flow[JobStatus]:
    """Ask for a job's document, patiently for one that is watched: the service may start again.

    Raises:
        TimeoutError: The time of the watch is over.
    """
    retries = _patient(shared.retries, watch) if watch else shared.retries
    response = yield from retries.send(Request("GET", _path(job)))
    return responses.read(response, "a job", job_status.read)


def look_later(shared: Calls, last: JobStatus, watch: Watch) -> Flow[JobStatus]:
    """Wait a moment, longer for a job that will take longer, then ask for its document."""
    pause = min(LATE, max(SOON, (last.seconds_left or 0.0) / 10))
    yield Pause(min(pause, watch.left()))
    watch.check()
    return (yield from look(shared, last.id, watch))


def _patient(retries: Retries, watch: Watch) -> Retries:
    retries = replace(retries, most=max(PATIENT, retries.most))
    left = watch.left()
    return replace(retries, timeout=left, late=watch.late) if left < retries.timeout else retries


def listen(job: str) -> Request:
    """Return the request of a job's events."""
    return Request("GET", _path(job) + "/events", headers={"Accept": MEDIA_TYPE})


def result(shared: Calls, last: JobStatus, *, is_single: bool) -> Flow[Returned]:
    """Fetch the result of a finished job.

    Raises:
        JobCancelled: It was cancelled.
        ServiceError: It failed, with the problem of its operation.
    """
    if last.state == "cancelled":
        raise JobCancelled(
            f"job: expected one with a result, received {last.id}, which was cancelled",
            status=409,
            code="job-cancelled",
            title="Job cancelled",
        )
    if last.state == "failed":
        raise last.error or InternalError(f"job {last.id} failed without saying why", status=500)
    response = yield from shared.retries.send(Request("GET", _path(last.id) + "/result"))
    if last.operation == "estimate":
        return responses.estimate(response)
    if last.operation == "score":
        return responses.scores(response)
    if last.operation == "neighbours":
        return responses.neighbours(response)
    return responses.result(response, is_single=is_single)


def cancel(shared: Calls, job: str) -> Flow[None]:
    """Cancel a job, or forget a finished one; one that is gone already is no error."""
    try:
        yield from shared.retries.send(Request("DELETE", _path(job)))
    except JobNotFound:
        return


def _path(job: str) -> str:
    return f"jobs/{quote(job, safe='')}"
