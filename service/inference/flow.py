"""How fast something leaves, and how long until what is here now will have left."""

import time

WINDOW = 1.0
"""Seconds, at least, over which a rate is taken."""


class Flow:
    """An amount that comes and goes. The time that nothing is here is none of the time it takes."""

    __slots__ = ("_emptied", "_left", "_rate", "_since", "amount")

    def __init__(self) -> None:
        self.amount = 0
        self._left = 0
        self._rate = 0.0
        self._since = self._emptied = time.perf_counter()

    def enter(self, amount: int) -> None:
        if not self.amount:
            self._since += time.perf_counter() - self._emptied
        self.amount += amount

    def leave(self, amount: int) -> None:
        self._left += amount
        self._measure()
        self.amount -= amount
        if not self.amount:
            self._emptied = time.perf_counter()

    def wait(self) -> float:
        """Return the expected seconds until all of it has left, 0 while no rate is known."""
        if self.amount:
            self._measure()
        return self.amount / self._rate if self._rate else 0.0

    def _measure(self) -> None:
        """Take what left since the last time as the rate, if that is long enough ago."""
        elapsed = time.perf_counter() - self._since
        if elapsed >= WINDOW and self._left:
            self._rate = self._left / elapsed
            self._left = 0
            self._since += elapsed
