"""Estimates: how long work keeps a session busy, and how long photographs wait for their turn."""

import time
from typing import NamedTuple

from service.inference.queue import is_small
from service.inference.tiling.layout import CORE, MAX_QUEUED

FORGET_SECONDS = 60.0
"""After which a size is forgotten, unless only smaller ones have run since."""

GROWTH = 0.02
"""By which the estimate of a size may grow a run: the least of late is what the work itself takes,
and what comes on top is the wait for the interpreter or for a processor."""

MAX_GROWTH = 0.5
"""The same for runs of half a second or more, of which there are few in a minute."""

QUEUED = MAX_QUEUED * CORE * CORE
"""Pixels of one photograph that another has to wait for, at most, before it has its turn."""


class _Cost(NamedTuple):
    seconds: float  # for each number
    measured: float  # time.perf_counter()


class Throughput:
    """Seconds that the numbers of a batch take, from what a session did while it was busy.

    Idle time is excluded, as only runs are timed. A run has a cost of its own besides that of each
    number, so the sizes are kept apart, by powers of two: 16x16 pixels take as long as 64x64, and
    say nothing of how long a tile of two megapixels takes.

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


class Turns:
    """How long photographs wait for each other, as TileQueue orders their tiles.

    Attributes:
        count: Requests for photographs that are not denoised yet.
        pixels: Pixels that are not denoised yet.
        seconds: How long these will keep the session busy.
    """

    def __init__(self) -> None:
        self.count = self.pixels = 0
        self.seconds = 0.0
        self._queued = {True: 0.0, False: 0.0}  # seconds of small photographs, and of large ones
        self._progressed = 0.0  # when a tile ended last, or the first photograph came

    def add(self, pixels: int, seconds: float, *, held: int) -> None:
        """Add the rest of a request to the waiting photographs.

        Args:
            pixels: Pixels that are not denoised yet.
            seconds: How long these will keep the session busy.
            held: Pixels of all its photographs.
        """
        self._change(pixels, seconds, held, 1)

    def remove(self, pixels: int, seconds: float, *, held: int) -> None:
        """Remove what add() added."""
        self._change(pixels, seconds, held, -1)
        if not self.count:  # no rounding error stays
            self.seconds = 0.0
            self._queued = {True: 0.0, False: 0.0}

    def progress(self) -> None:
        """Note that a tile has ended."""
        self._progressed = time.perf_counter()

    def left(self) -> float:
        """Return the expected seconds until all of them are denoised."""
        return max(0.0, self.seconds - self._running())

    def wait(self, pixels: int, seconds: float) -> float:
        """Return the expected seconds until the first tile of another photograph runs.

        Small and large photographs share the time: those of the other kind delay it for as long as
        those of its own do, and for the tile that runs.

        Args:
            pixels: Pixels of the photograph, at least 1.
            seconds: How long it will keep the session busy.
        """
        small = is_small(3 * pixels)
        same, other = self._queued[small], self._queued[not small]
        wait = same + min(other, same + seconds * min(1.0, CORE * CORE / pixels))
        return max(0.0, wait - self._running())

    def _change(self, pixels: int, seconds: float, held: int, sign: int) -> None:
        if not pixels:
            return
        if not self.count:
            self.progress()
        self.count += sign
        self.pixels += sign * pixels
        self.seconds += sign * seconds
        self._queued[is_small(3 * held)] += sign * seconds * min(1.0, QUEUED / pixels)

    def _running(self) -> float:
        """Return the seconds that the current tile has run."""
        return time.perf_counter() - self._progressed if self.count else 0.0
