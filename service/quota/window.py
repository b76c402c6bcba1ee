"""A sliding window: what a quota has left of its minute, and when it has room again."""

import math
from typing import NamedTuple

MINUTE = 60
"""Seconds of a window."""
MARGIN = 0.01
"""Seconds that clocks and rounding may be wrong by."""


class Decision(NamedTuple):
    """What became of a request to take from a quota.

    Attributes:
        is_granted: Whether it was taken.
        remaining: What is left of the quota.
        wait: Seconds after which it may be there, 0 where it was taken.
    """

    is_granted: bool
    remaining: int
    wait: int


class Window(NamedTuple):
    """The counts of a sliding window: that of the window before counts less and less.

    As `limits` has it, in its strategy SlidingWindowCounterRateLimiter.

    Attributes:
        before: What was counted in the window before.
        before_ends: Seconds until none of it counts.
        current: What was counted in the current window.
        ends: Seconds until the current window is the one before, and another minute.
    """

    before: int
    before_ends: float
    current: int
    ends: float

    def decision(self, limit: int, cost: int, *, is_granted: bool) -> Decision:
        """Return what became of a cost that is counted by now if it was granted."""
        return Decision(
            is_granted, self.remaining(limit), 0 if is_granted else self.wait(limit, cost)
        )

    def remaining(self, limit: int) -> int:
        """Return how much of a limit is left."""
        return max(0, limit - math.floor(self.before * self.before_ends / MINUTE + self.current))

    def wait(self, limit: int, cost: int) -> int:
        """Return the seconds, at least 1, until a cost finds room if nothing else comes.

        Args:
            limit: The most.
            cost: What is to be counted, the limit at most.
        """
        room = limit + 1 - cost  # which the weighted count must be below
        if self.current < room:
            over = self.before * self.before_ends / MINUTE + self.current - room
            seconds = over * MINUTE / self.before if self.before else 0.0
        else:
            seconds = max(0.0, self.ends - MINUTE) + MINUTE * (1 - room / self.current)
        return max(1, math.floor(seconds + MARGIN) + 1)
