"""Time limits: each part has a share of the time, and what it leaves goes to those after it."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Clock:
    """The time that is left, from the moment that this is made; seconds: how much there is."""

    seconds: float
    _began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds, below 0 once they are over."""
        return self._began + self.seconds - time.monotonic()

    def repeat(self, run: Callable[[], object], seconds: float) -> list[float]:
        """Return the seconds of each of several runs: at least one, up to so many seconds in all.

        Args:
            run: What is measured.
            seconds: After these, or once no time is left, none is begun.
        """
        end = time.monotonic() + min(seconds, self.left)
        taken = [timed(run)]
        while time.monotonic() < end:
            taken.append(timed(run))
        return taken


def timed(run: Callable[[], object]) -> float:
    """Return how many seconds something takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def milliseconds(taken: Sequence[float]) -> float:
    """Return the median of durations in seconds, in milliseconds."""
    return 1000 * statistics.median(taken)


def limit(shares: Sequence[float], place: int, clock: Clock) -> float:
    """Return how many seconds a part may take.

    Args:
        shares: Of all parts, in their order, in any unit.
        place: The part's place among them, from 0.
        clock: The time of all, which goes on.

    Returns:
        The time until its share and those before it are over: what parts before it left is its.
    """
    until = clock.seconds * sum(shares[: place + 1]) / sum(shares)
    return until - (clock.seconds - clock.left)
