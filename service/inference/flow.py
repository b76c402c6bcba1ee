"""How fast something leaves, and how long until what is here now will have left."""

import time

WINDOW = 1.0
"""Seconds, at least, over which a rate is taken."""


class Flow:
    """An amount that comes and is worked off.

    Time in which nothing is here, or too little to tell, is none of the time that it takes.
    """

    __slots__ = ("_least", "_left", "_rate", "_since", "_slack", "amount")

    def __init__(self, *, rate: float = 0.0, least: int = 1) -> None:
        """Begin with nothing.

        rate: what leaves in a second, until that is measured, 0 if unknown; least: with less here,
        what leaves tells nothing of it.
        """
        self.amount = 0
        self._least = least
        self._left = 0
        self._rate = rate
        self._since = self._slack = time.perf_counter()

    def enter(self, amount: int) -> None:
        if self.amount < self._least <= self.amount + amount:
            self._since += time.perf_counter() - self._slack
        self.amount += amount

    def leave(self, amount: int) -> None:
        """Take out what was worked off."""
        if self.amount >= self._least:
            self._left += amount
            self._measure()
        self.drop(amount)

    def drop(self, amount: int) -> None:
        """Take out what was not: it tells nothing of how fast the rest will leave."""
        if self.amount - amount < self._least <= self.amount:
            self._slack = time.perf_counter()
        self.amount -= amount

    def wait(self, amount: int) -> float:
        """Return the expected seconds until so much has left, 0 while no rate is known."""
        if self.amount >= self._least:
            self._measure()
        return amount / self._rate if self._rate else 0.0

    def _measure(self) -> None:
        """Take what left since the last time as the rate, if that is long enough ago."""
        elapsed = time.perf_counter() - self._since
        if elapsed >= WINDOW and self._left:
            self._rate = self._left / elapsed
            self._left = 0
            self._since += elapsed
