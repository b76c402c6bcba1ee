"""What the service says of a job."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from service.client import responses
from service.client.errors import ServiceError
from service.client.options import Operation

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
UNFINISHED: tuple[State, ...] = ("queued", "running")
SILENCE = 60.0
"""Seconds without an event after which the job's document is asked for instead."""
NO_STATUS = (AttributeError, KeyError, TypeError, ValueError)
"""What read() raises where there is none."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job as the service describes it.

    Attributes:
        id: Its identifier.
        state: "queued", "running", "succeeded", "failed" or "cancelled".
        operation: What it does.
        owner: Name of the API key that created it; "" without keys.
        megapixels_done: Of its photographs.
        megapixels_total: Of its photographs; None until all are known.
        share: What is done, 0 to 1.
        seconds_left: Until it will be done; None where that is not known.
        created: When it was submitted.
        expires: When its result will be forgotten; None while it is not finished.
        error: Why it failed.
    """

    id: str
    state: State
    operation: Operation
    megapixels_done: float = 0.0
    megapixels_total: float | None = None
    share: float = 0.0
    seconds_left: float | None = None
    created: datetime | None = None
    expires: datetime | None = None
    error: ServiceError | None = None
    owner: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether it has succeeded, failed or been cancelled."""
        return self.state not in UNFINISHED


def read(document: Mapping[str, Any]) -> JobStatus:
    """Return what a job's document says.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    progress, problem = document.get("progress") or {}, document.get("error")
    return JobStatus(
        id=document["id"],
        state=document["state"],
        operation=document["operation"],
        megapixels_done=progress.get("megapixels_done") or 0.0,
        megapixels_total=progress.get("megapixels_total"),
        share=progress.get("share") or 0.0,
        seconds_left=document.get("seconds_left"),
        created=_time(document.get("created")),
        expires=_time(document.get("expires")),
        error=responses.problem(problem) if problem else None,
        owner=document.get("owner") or "",
    )


def read_page(document: Mapping[str, Any]) -> tuple[list[JobStatus], str]:
    """Return a page of jobs and the cursor of the next, "" after the last; errors as of read()."""
    return [read(each) for each in document["jobs"]], document.get("next") or ""


class Watch:
    """Ends a wait for a job in time."""

    def __init__(self, job: str, timeout: float | None) -> None:
        self._job = job
        self._timeout = timeout
        self._deadline = math.inf if timeout is None else time.monotonic() + timeout

    def left(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(0.0, self._deadline - time.monotonic())

    def silence(self) -> float:
        """Return the seconds that a stream of events may be silent.

        A quarter of the time is for each step of a request: a free connection, its opening, sending
        and receiving.
        """
        return max(0.001, min(SILENCE, self.left() / 4))

    def check(self) -> None:
        """Raise TimeoutError once the time is over."""
        if not self.left():
            raise self.late()

    def late(self) -> TimeoutError:
        """Return the error of a job that is not finished in time."""
        return TimeoutError(
            f"job {self._job}: expected its end within {self._timeout:g} s, received none"
        )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
