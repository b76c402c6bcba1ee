"""Repeated measurements in turn, and their median and range in words."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

Speeds = dict[str, list[float]]
"""What each gave in each round, by name."""


def in_turn(cells: Mapping[str, Callable[[], float]], rounds: int, seconds: float) -> Speeds:
    """Call each of the cells, then each again, so that what else changes harms all alike.

    Each is called in so many rounds, or until it has taken so many seconds in all.
    """
    given: Speeds = {name: [] for name in cells}
    taken = dict.fromkeys(cells, 0.0)
    for _ in range(rounds):
        for name, cell in cells.items():
            if taken[name] < seconds:
                began = time.perf_counter()
                given[name].append(cell())
                taken[name] += time.perf_counter() - began
    return given


def ratios(these: Sequence[float], those: Sequence[float]) -> list[float]:
    """Return these by those, round by round, as long as there are both."""
    return [this / that for this, that in zip(these, those, strict=False)]


def told(values: Sequence[float], digits: int = 2) -> str:
    """Return the median of measurements with the least and the most; "-" for none."""
    if not values:
        return "-"
    median = f"{statistics.median(values):,.{digits}f}"
    if len(values) == 1:
        return median
    return f"{median} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"
