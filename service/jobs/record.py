"""What is stored of a job: what was asked, each attempt to run it, and how it ended."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from service.errors import ServiceError, problem_document
from service.manifest import OperationName

Final = Literal["succeeded", "failed", "cancelled"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
BLOB = re.compile(r"([0-9a-f]{32})\.(?:body|[1-9])(?:\.[0-9a-f]{8}\.part)?")
"""Names of the bodies and results of jobs, and of files in which these are being written."""


@dataclass(frozen=True, slots=True)
class Job:
    """A stored request; it never changes.

    Attributes:
        id: 32 hexadecimal digits that nobody can guess.
        operation: The operation.
        query: The query string of the operation.
        headers: Those headers of the request that the operation looks at.
        bytes: Size of the body.
        created: Seconds since the epoch.
        request_id: X-Request-Id of the request that created it.
        callback: The URL that is told of the end, "" for none.
        owner: The name of the API key that created it, "" without.
    """

    id: str
    operation: OperationName
    query: str
    headers: list[tuple[str, str]]
    bytes: int
    created: float
    request_id: str
    callback: str = ""
    owner: str = ""

    @property
    def body(self) -> str:
        """The name of the blob of its body."""
        return f"{self.id}.body"


@dataclass(frozen=True, slots=True)
class Run:
    """An attempt to run a job, as its process reports it about twice a second.

    Attributes:
        started: Seconds since the epoch.
        beat: A number that grows as long as the process lives.
        done: Pixels that are done.
        total: Pixels in all, 0 where they are unknown.
        share: The share that is done, 0 to 1.
        left: Seconds that the rest takes, None if unknown.
        claim: What tells whose attempt it is, until it is reported on.
    """

    started: float
    beat: int = 0
    done: int = 0
    total: int = 0
    share: float = 0.0
    left: float | None = None
    claim: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """How a job ended; it never changes.

    Attributes:
        state: How.
        finished: Seconds since the epoch.
        attempt: The attempt whose response is stored, 0 for none.
        status: The HTTP status of the response.
        headers: Its headers.
        media_type: Its media type.
        bytes: Size of its body.
        pixels: Pixels of its photographs, 0 where they are unknown.
        problem: The error of a job that failed.
    """

    state: Final
    finished: float
    attempt: int = 0
    status: int = 0
    headers: list[tuple[str, str]] | tuple[()] = ()
    media_type: str = ""
    bytes: int = 0
    pixels: int = 0
    problem: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """All that is stored of a job.

    Attributes:
        job: What was asked.
        attempts: How many attempts there were.
        run: The last of them, None where the job waits for another.
        end: How it ended, None before it has.
        called: Whether the callback has been told, or given up.
    """

    job: Job
    attempts: int = 0
    run: Run | None = None
    end: End | None = None
    called: bool = False

    @property
    def state(self) -> State:
        """What a client is told."""
        if self.end:
            return self.end.state
        return "running" if self.run else "queued"

    @property
    def result(self) -> str:
        """The name of the blob of its response."""
        assert self.end is not None
        return result_name(self.job.id, self.end.attempt)

    @property
    def bytes(self) -> int:
        """Bytes that it takes: of its body before its end, then of its response."""
        return self.end.bytes if self.end else self.job.bytes


def result_name(job_id: str, attempt: int) -> str:
    """Return the name of the blob of the response that an attempt gave."""
    return f"{job_id}.{attempt}"


def job_of(blob: str) -> str:
    """Return the id of the job to which a blob or file belongs by its name, "" where to none."""
    match = BLOB.fullmatch(blob)
    return match[1] if match else ""


def failure(error: ServiceError) -> End:
    """Return the end of a job by an error, now."""
    problem = problem_document(error.status, error.code, error.title, str(error))
    return End("failed", time.time(), status=error.status, problem=problem)
