"""The wall clock without its jumps ahead, where NTP or a person sets it."""

import time


class SteadyClock:
    """The time by the wall clock, which from one look to the next goes on as time.monotonic() does.

    A jump back is followed: what is measured by it is too young then, and stays for longer.
    """

    def __init__(self) -> None:
        self._last = time.time(), time.monotonic()

    def now(self) -> float:
        """Return the seconds since the epoch."""
        then, since = self._last
        passed = time.monotonic()
        self._last = min(time.time(), then + passed - since), passed
        return self._last[0]
