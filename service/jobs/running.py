"""A job that runs, and what runs it."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Protocol

from service.jobs.progress import Progress
from service.jobs.record import End, Job, result_name


@dataclass
class Running:
    """A job that runs.

    Attributes:
        job: The job.
        attempt: The number of the attempt.
        progress: How far it is.
        stop: Set when it shall stop: it was cancelled, or the process ends.
        is_requeued: Whether it stops as the process ends, and runs again.
        over: Set when it runs no more, and is not to be reported on.
    """

    job: Job
    attempt: int
    progress: Progress = field(default_factory=Progress)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    is_requeued: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    started: float = field(default_factory=time.time)

    @property
    def result(self) -> str:
        """The name of the blob of the response."""
        return result_name(self.job.id, self.attempt)


class Runner(Protocol):
    """Runs a stored request."""

    def __call__(self, running: Running, /) -> Awaitable[End | None]:
        """Return how it ended, its response stored; None if it was stopped first.

        Raises:
            JobsUnavailable: The store went away; it may run again.
        """
        ...
