"""How long ago jobs have ended, by a clock that does not jump.

The wall clock does, where NTP or a person sets it: a day ahead, every result would be too old.
"""

import time
from collections.abc import Collection

from service.jobs.record import End
from service.jobs.steady_clock import SteadyClock


class Ages:
    """The ages of the jobs that a process has looked at.

    The end of a job is known by the wall clock, as other processes and earlier ones have seen it.
    From the first look on, its age is measured by time.monotonic().
    """

    def __init__(self) -> None:
        self._first: dict[str, tuple[float, float]] = {}  # age at the first look, and when it was
        self._clock = SteadyClock()
        self._looked = self._clock.now()

    def look(self, ended: Collection[str]) -> None:
        """Begin a look at the jobs that have ended; forget all others."""
        self._first = {job_id: each for job_id, each in self._first.items() if job_id in ended}
        self._looked = self._clock.now()

    def of(self, job_id: str, end: End) -> float:
        """Return the seconds since the end of a job, 0 or more."""
        now = time.monotonic()
        age = max(0.0, self._looked - end.finished)
        first, since = self._first.setdefault(job_id, (age, now))
        return first + now - since
