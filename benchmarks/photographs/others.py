"""Processor time that other programs took during a measurement."""

import os
import time
from collections.abc import Callable, Collection

from benchmarks.processes import busy_seconds, cpu_seconds
from benchmarks.table import TOLERATED


class Others:
    """What is neither this process nor those measured, from the moment that this is made."""

    def __init__(self, measured: Callable[[], Collection[int]]) -> None:
        """measured: gives the ids of the processes that are measured."""
        self._measured = measured
        self._began, self._before = time.perf_counter(), self._rest()

    def processors(self) -> float:
        """Return how many processors it took until now."""
        seconds = time.perf_counter() - self._began
        return round((self._rest() - self._before) / seconds, 3)

    def _rest(self) -> float:
        own = os.times()
        return busy_seconds() - cpu_seconds(self._measured()) - own.user - own.system


def note(processors: float) -> str:
    """Return in words what others took, "" where it is little."""
    return f"{processors:.2f} processors taken by others" if processors > TOLERATED else ""
