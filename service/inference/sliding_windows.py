"""Windows of a series whose rows come a few at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.inference.pixels import Floats
from service.rows import Window


@dataclass(frozen=True, slots=True)
class Cut:
    """Windows that have become whole.

    Attributes:
        starts: The row at which each starts, counted from the first row of the series, (windows,).
        array: (windows, steps, features).
    """

    starts: NDArray[np.intp]
    array: Floats


class SlidingWindows:
    """Cuts a series as `service.inference.features.windows` cuts one that is there as a whole.

    Attributes:
        rows: How many have come.
    """

    def __init__(self, window: Window, features: int) -> None:
        """Begin a series.

        Args:
            window: How to cut it.
            features: Of a row.
        """
        self._window = window
        self._kept = np.empty((0, features), np.float32)
        self._start = 0  # of the next window
        self.rows = 0

    @property
    def left_over(self) -> int:
        """How many rows at the end are in no window."""
        stride, steps = self._window.stride, self._window.steps
        end = self._start - stride + steps if self._start else 0
        return self.rows - end

    def push(self, rows: Floats) -> Cut:
        """Return the windows that end within further rows (rows, features); there may be none."""
        stride, steps = self._window.stride, self._window.steps
        kept = np.concatenate((self._kept, rows))
        base = self.rows - len(self._kept)
        self.rows += len(rows)
        starts = np.arange(self._start, self.rows - steps + 1, stride)
        cut = np.empty((len(starts), steps, kept.shape[1]), np.float32)
        for window, start in zip(cut, starts - base, strict=True):
            window[:] = kept[start : start + steps]
        if len(starts):
            self._start = int(starts[-1]) + stride
        # With a stride beyond the window, rows between two windows are in none.
        self._kept = kept[max(0, self._start - base) :].copy()
        return Cut(starts, cut)
