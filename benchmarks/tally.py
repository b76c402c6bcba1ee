"""Latencies by status, and failures, of a load."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Seconds of latency by status, and faults.

    lost: answers that were due when the connection closed, or that never came. refused: attempts to
    connect that failed. wrong: answers whose body is not the expected one.
    """

    latencies: dict[int, list[float]] = field(default_factory=dict)
    lost: int = 0
    refused: int = 0
    wrong: int = 0

    def count(self, status: int, seconds: float) -> None:
        self.latencies.setdefault(status, []).append(seconds)

    @property
    def good(self) -> int:
        """How many answers were a 2xx."""
        return sum(len(each) for status, each in self.latencies.items() if status // 100 == 2)

    def summaries(self) -> dict[str, dict[str, float]]:
        """Return count, p50, p90, p99 and max in milliseconds, by status."""
        return {str(status): _summary(each) for status, each in sorted(self.latencies.items())}


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of ordered values that at least a share of them does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _summary(latencies: Sequence[float]) -> dict[str, float]:
    ordered = sorted(latencies)
    return {
        "count": len(ordered),
        **{f"p{n}": round(1000 * percentile(ordered, n / 100), 3) for n in (50, 90, 99)},
        "max": round(1000 * ordered[-1], 3),
    }
