"""What became of every request of a load."""

from collections import Counter
from dataclasses import dataclass, field

KEPT = 20
"""Descriptions that are kept of what must not happen."""


@dataclass
class Tally:
    """Counts of responses.

    Attributes:
        right: Responses with the right answer, results of jobs too.
        refused: Errors with a documented code that the fault may lead to, by status and code.
        lost: Connections that were closed with their process.
        wrong: Responses that are neither, described.
        missing: Requests without a response whose process lives, described.
        seconds: How long each right answer to a request took.
        refusals: How long each refusal took.
        troubles: When (time.monotonic()) each request was refused or lost.
    """

    right: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    troubles: list[float] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """What must not happen and has."""
        return [f"wrong: {each}" for each in self.wrong[:KEPT]] + [
            f"missing: {each}" for each in self.missing[:KEPT]
        ]

    def add(self, other: "Tally") -> None:
        """Count what another tally has counted."""
        self.right += other.right
        self.refused += other.refused
        self.lost += other.lost
        self.wrong += other.wrong
        self.missing += other.missing
        self.seconds += other.seconds
        self.refusals += other.refusals
        self.troubles += other.troubles

    def recovery(self, ends: list[float]) -> float:
        """Return the most seconds from the end of a fault to the last request refused after it.

        Args:
            ends: When (time.monotonic()) each of several faults ended.
        """
        until = [*ends[1:], float("inf")]
        return max(
            (
                trouble - end
                for end, later in zip(ends, until, strict=True)
                for trouble in self.troubles
                if end <= trouble < later
            ),
            default=0.0,
        )


def share(values: list[float], part: float) -> float:
    """Return the value below which a part of the values is, 0 where there are none."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))] if values else 0.0
