"""How long photographs wait for each other, as TileQueue orders their tiles."""

import time

from service.inference.queue import is_small
from service.inference.tiling.layout import CORE, MAX_QUEUED

QUEUED = MAX_QUEUED * CORE * CORE
"""Pixels of one photograph that another has to wait for, at most, before it has its turn."""


class Turns:
    """The photographs that are not denoised yet.

    Attributes:
        count: Requests for photographs.
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
