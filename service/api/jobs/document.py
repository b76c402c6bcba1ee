"""The document of a job, as clients, event streams and callbacks get it."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema

from service.api.schemas import Problem
from service.jobs.jobs import Jobs
from service.jobs.record import Entry, State
from service.manifest import OperationName


def _text(time: datetime) -> str:
    """Return a time with its milliseconds, also where they are zero: texts sort as times do."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[
    datetime,
    PlainSerializer(_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class JobProgress(BaseModel):
    """How far a job is."""

    megapixels_done: Annotated[float, Field(description="of its photographs")]
    megapixels_total: Annotated[
        float | None, Field(description="of its photographs, once they are known")
    ]
    share: Annotated[float, Field(ge=0, le=1, description="of the work; 1 once it has succeeded")]


class JobResult(BaseModel):
    """Where the response is, and what it is."""

    href: Annotated[str, Field(description="path of the response")]
    media_type: str
    bytes: int


class JobDocument(BaseModel):
    """A job; times are those of RFC 3339."""

    id: str
    state: State
    operation: OperationName
    owner: Annotated[
        str | None, Field(description="name of the API key that created it; null without keys")
    ]
    created: Time
    started: Annotated[Time | None, Field(description="of the last attempt to run it")]
    finished: Time | None
    expires: Annotated[Time | None, Field(description="when it is forgotten")]
    progress: JobProgress
    seconds_left: Annotated[
        float | None, Field(description="until it has finished, as far as that can be told")
    ]
    result: Annotated[JobResult | None, Field(description="of a job that has succeeded")]
    error: Annotated[Problem | None, Field(description="of a job that has failed")]


def document(jobs: Jobs, entry: Entry) -> JobDocument:
    """Return the document of a job."""
    job, run, end = entry.job, entry.run, entry.end
    succeeded = end is not None and end.state == "succeeded"
    done, total = (run.done, run.total) if run else (0, 0)
    if end and succeeded:
        done = total = end.pixels
    return JobDocument(
        id=job.id,
        state=entry.state,
        operation=job.operation,
        owner=job.owner or None,
        created=_time(job.created),
        started=_time(run.started) if run else None,
        finished=_time(end.finished) if end else None,
        expires=_time(end.finished + jobs.options.keep_seconds) if end else None,
        progress=JobProgress(
            megapixels_done=done / 1e6,
            megapixels_total=total / 1e6 if total else None,
            share=1.0 if succeeded else (round(run.share, 4) if run else 0.0),
        ),
        seconds_left=None if end or run is None or run.left is None else round(run.left, 1),
        result=JobResult(
            href=f"{jobs.options.path(job.id)}/result", media_type=end.media_type, bytes=end.bytes
        )
        if end and succeeded
        else None,
        error=Problem(**end.problem) if end and end.problem else None,
    )


def described(jobs: Jobs, entry: Entry) -> bytes:
    """Return the document of a job as JSON."""
    return document(jobs, entry).model_dump_json().encode()


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)
