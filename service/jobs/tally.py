"""How many jobs there are, in which states, and how much room they take."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from service.jobs.record import Entry, State

STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Tally:
    """What is stored: jobs by state, bytes, and when the oldest that waits was created."""

    states: Mapping[State, int] = field(default_factory=dict)
    bytes: int = 0
    oldest: float | None = None

    @property
    def jobs(self) -> int:
        """How many."""
        return sum(self.states.values())


def tally_of(entries: Mapping[str, Entry]) -> Tally:
    """Count jobs."""
    waiting = [each.job.created for each in entries.values() if each.state == "queued"]
    return Tally(
        Counter(entry.state for entry in entries.values()),
        sum(entry.bytes for entry in entries.values()),
        min(waiting, default=None),
    )
