"""Throughput estimate: how long a session takes for some work, from what it did while it was busy.

Idle time is excluded, as only runs are timed. A run has a cost of its own besides that of each
number, so the sizes are kept apart: 16x16 pixels take as long as 64x64, and say nothing of how long
a tile of two megapixels takes.
"""

from typing import NamedTuple

FORGET_SECONDS = 60.0
"""After which a size is forgotten, unless only smaller ones have run since."""

GROWTH = 0.02
"""By which the estimate of a size may grow a run: the least of late is what the work itself takes,
and what comes on top is the wait for the interpreter or for a processor."""

MAX_GROWTH = 0.5
"""The same for runs of half a second or more, of which there are few in a minute."""


class _Cost(NamedTuple):
    seconds: float  # for each number
    measured: float  # time.perf_counter()


class Throughput:
    """Seconds that the numbers of a batch take, by the power of two of how many there are.

    Written by one thread at a time, read by any.
    """

    def __init__(self) -> None:
        self._costs: dict[int, _Cost] = {}
        self._least = 0.0

    def record(self, numbers: int, seconds: float, now: float) -> None:
        """Learn from a run.

        Args:
            numbers: Numbers in its inputs times steps, at least 1.
            seconds: How long it took.
            now: The time.perf_counter() at its end.
        """
        size = numbers.bit_length()
        each = seconds / numbers
        if known := self._costs.get(size):
            growth = GROWTH + min(MAX_GROWTH, known.seconds * numbers)
            each = min(each, known.seconds * (1 + growth))
        costs = {
            other: cost
            for other, cost in self._costs.items()
            if other > size or now - cost.measured < FORGET_SECONDS
        }
        costs[size] = _Cost(each, now)
        self._costs = costs
        self._least = min(cost.seconds for cost in costs.values())

    def run_seconds(self, numbers: int) -> float | None:
        """Return the seconds of one run of so many numbers, None if no such size has run."""
        known = self._costs.get(numbers.bit_length())
        return known and known.seconds * numbers

    def seconds(self, numbers: int) -> float:
        """Return the seconds of so many numbers in a full queue, at the best pace of late.

        Small requests share batches there, so what they would take alone is no measure. It is 0
        while nothing has run.
        """
        return self._least * numbers
