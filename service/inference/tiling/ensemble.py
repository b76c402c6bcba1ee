"""A tile in up to eight orientations, and the mean of what the model makes of them.

As "Seven ways to improve example-based single image super resolution" (Timofte et al. 2016,
section 4.1, enhanced prediction) does with whole pictures.
"""

import numpy as np

from service.inference.pixels import Floats


def turned(inputs: Floats, way: int) -> Floats:
    """Return a tile in another orientation.

    Args:
        inputs: (1, height, width, 3).
        way: 0 to 7: the sum of 1 for left and right swapped, 2 for top and bottom swapped, and 4
            for rows that then become columns.

    Returns:
        The same numbers, (1, width, height, 3) from 4 on, contiguous as a session takes them.
    """
    flipped = _flipped(inputs, way)
    return np.ascontiguousarray(flipped.swapaxes(1, 2) if way & 4 else flipped)


def turned_back(outputs: Floats, way: int) -> Floats:
    """Return the outputs of a turned tile in its own orientation, a view."""
    return _flipped(outputs.swapaxes(1, 2) if way & 4 else outputs, way)


class Mean:
    """The mean of the outputs of one tile after another, each in the first so many orientations."""

    def __init__(self, effort: int) -> None:
        """Start with the first tile.

        Args:
            effort: Orientations of each tile, 1 to 8.
        """
        self._effort = effort
        self._sum: Floats | None = None

    def add(self, outputs: Floats, way: int) -> Floats | None:
        """Add the outputs of a tile in an orientation, as turned() counts them.

        Returns:
            After the last orientation the mean, (1, height, width, 3), turned back; else None.
        """
        back = turned_back(outputs, way)
        self._sum = back if self._sum is None else self._sum + back
        if way < self._effort - 1:
            return None
        mean: Floats = np.divide(self._sum, self._effort, dtype=np.float32)
        self._sum = None
        return mean


def _flipped(array: Floats, way: int) -> Floats:
    rows, columns = slice(None, None, -1 if way & 2 else 1), slice(None, None, -1 if way & 1 else 1)
    return array[:, rows, columns]
