"""A picture and what becomes of it, a tile at a time in the numbers that a model takes and gives.

No more of it than that is ever there as floats.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidValue, ShapeMismatch
from service.inference.pixels import LARGEST, Floats, to_floats, to_samples
from service.inference.tiling.layout import Tile
from service.manifest import Pixels

Picture = NDArray[Any]
"""Pixels (height, width, 3) or (height, width): uint8 or uint16 over the whole of their range, or
float32 in the model's."""

STRIP = 1 << 18
"""Pixels that are compared at once: few, so that a picture in colour soon shows that it is."""


class Canvas:
    """A picture as it was, and as it is to be: gray, in one channel or in three, if it was gray."""

    def __init__(self, picture: Picture, pixels: Pixels, strength: float) -> None:
        """strength: how much of the noise to remove, 0 to 1.

        Raises ShapeMismatch for what is no picture; InvalidValue for an empty one, and for a type
        or a strength beyond these.
        """
        _check(picture, strength)
        self._noisy = picture.reshape(*picture.shape[:2], -1)
        self._clean = np.empty(self._noisy.shape, picture.dtype)
        self._pixels = pixels
        self._strength = np.float32(strength)
        self._is_gray = _is_gray(self._noisy)
        self.size = picture.shape[:2]
        self.has_floats = picture.dtype not in LARGEST
        self.result: Picture = self._clean.reshape(picture.shape)
        """What was put so far; anything where nothing was."""

    def take(self, tile: Tile) -> Floats:
        """Return a tile as a batch of one in colour, mirrored where it goes beyond the picture."""
        rows, columns = tile
        values = self._noisy[rows.taken, columns.taken]
        beyond = (rows.length - values.shape[0], columns.length - values.shape[1])
        if any(beyond):
            # With the outermost pixels twice: it denoises them better, and there may be one alone.
            values = np.pad(values, ((0, beyond[0]), (0, beyond[1]), (0, 0)), "symmetric")
        if not self.has_floats:
            values = to_floats(values, self._pixels)
        return np.ascontiguousarray(np.broadcast_to(values, (1, *values.shape[:2], 3)))

    def put(self, tile: Tile, inputs: Floats, outputs: Floats) -> None:
        """Put what became of a tile, as it was taken, in its place."""
        rows, columns = tile
        kept = (0, rows.kept_within, columns.kept_within)
        noisy, values = inputs[kept], outputs[kept]
        if self._is_gray:
            noisy, values = noisy[..., :1], values.mean(axis=-1, keepdims=True)
        if self._strength < 1:
            values = noisy + self._strength * (values - noisy)
        if not self.has_floats:
            values = to_samples(values, self._pixels, self._clean.dtype)
        self._clean[rows.kept, columns.kept] = values


def _check(picture: Picture, strength: float) -> None:
    shape = picture.shape
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)):
        raise ShapeMismatch(
            f"picture: expected (height, width, 3) or (height, width), received {shape}"
        )
    if not picture.size:
        raise InvalidValue(f"picture: expected a pixel at least, received {shape}")
    if picture.dtype not in LARGEST and picture.dtype != np.float32:
        raise InvalidValue(f"picture: expected uint8, uint16 or float32, received {picture.dtype}")
    if not 0 <= strength <= 1:
        raise InvalidValue(f"strength: expected a number from 0 to 1, received {strength:g}")


def _is_gray(picture: Picture) -> bool:
    """Whether all channels are equal; a picture in colour mostly shows it in its first strip."""
    height, width, channels = picture.shape
    if channels == 1:
        return True
    rows, columns = max(1, STRIP // width), min(STRIP, width)
    strips = (
        picture[top : top + rows, left : left + columns]
        for top in range(0, height, rows)
        for left in range(0, width, columns)
    )
    # One channel with another, as to go along the last axis, of three, takes three times as long.
    return all(
        np.array_equal(strip[..., 0], strip[..., other]) for strip in strips for other in (1, 2)
    )
