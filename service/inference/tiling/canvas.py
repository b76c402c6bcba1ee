"""A picture and its denoised copy, converted to and from the model's numbers a tile at a time.

Only the tiles in the queue exist as floats, never the whole picture.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidValue, ShapeMismatch
from service.inference.pixels import LARGEST, Floats, to_floats, to_samples
from service.inference.tiling.controls import DEFAULTS, Controls, Region
from service.inference.tiling.layout import Tile, Tiling
from service.manifest import Pixels

Picture = NDArray[Any]
"""Pixels (height, width, 3) or (height, width): uint8 or uint16 over their whole range, or float32
in the model's range."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in luma, of ITU-R BT.601-7, section 2.5.1."""

STRIP = 1 << 18
"""Pixels that the test for gray compares at once: a picture in colour mostly ends it at the first
strip."""


class Canvas:
    """The noisy picture and the result. A gray picture stays gray, in one channel or three.

    Where a region is wanted, tiles are counted from the first pixel that it depends on.

    Attributes:
        size: Height and width, in pixels, of what is cut into tiles.
        has_floats: Whether the pixels are float32 in the model's range.
        place: Rows and columns of the picture that are wanted.
        result: They, denoised, of the type of the noisy picture; undefined where no tile was put
            yet.
    """

    def __init__(
        self, picture: Picture, pixels: Pixels, tiling: Tiling, controls: Controls = DEFAULTS
    ) -> None:
        """Allocate the result.

        Args:
            picture: The noisy picture; it is not changed.
            pixels: How 8-bit pixels become the model's numbers.
            tiling: How it is cut into tiles.
            controls: How much of the noise to remove, and from which part.

        Raises:
            ShapeMismatch: The array is not a picture.
            InvalidValue: The picture is empty, its type is none of Picture's, or it has no such
                region.
        """
        _check(picture)
        height, width = picture.shape[:2]
        if controls.region:
            controls.region.check(height, width)
        x, y, across, down = region = controls.region or Region(0, 0, width, height)
        rows, columns = tiling.around(region, height, width)
        whole = picture.reshape(height, width, -1)
        self._noisy = whole[rows, columns]
        self._clean = np.empty(self._noisy.shape, picture.dtype)
        self._pixels = pixels
        self._is_gray = _is_gray(whole)
        luma, chroma = controls.strength * controls.luma, controls.strength * controls.chroma
        self._luma = np.float32(luma)
        self._shares = None if self._is_gray or luma == chroma else _by_channel(luma, chroma)
        self.size = self._noisy.shape[:2]
        self.has_floats = picture.dtype not in LARGEST
        self.place = slice(y, y + down), slice(x, x + across)
        result = self._clean[y - rows.start :, x - columns.start :][:down, :across]
        self.result: Picture = result if picture.ndim == 3 else result[..., 0]

    def take(self, tile: Tile) -> Floats:
        """Return a tile as inputs (1, height, width, 3), mirrored beyond the picture's edges."""
        rows, columns = tile
        values = self._noisy[rows.taken, columns.taken]
        beyond = (rows.length - values.shape[0], columns.length - values.shape[1])
        if any(beyond):
            # "symmetric" repeats the edge pixels: they are denoised better so, and "reflect" cannot
            # extend a side of one pixel.
            values = np.pad(values, ((0, beyond[0]), (0, beyond[1]), (0, 0)), "symmetric")
        if not self.has_floats:
            values = to_floats(values, self._pixels)
        return np.ascontiguousarray(np.broadcast_to(values, (1, *values.shape[:2], 3)))

    def put(self, tile: Tile, inputs: Floats, outputs: Floats) -> None:
        """Write the kept part of a tile into the result.

        Args:
            tile: Where the tile lies.
            inputs: What take() returned for it, (1, height, width, 3).
            outputs: What the model returned for these, of the same shape.
        """
        rows, columns = tile
        kept = (0, rows.kept_within, columns.kept_within)
        noisy, values = inputs[kept], outputs[kept]
        if self._is_gray:
            noisy, values = noisy[..., :1], values.mean(axis=-1, keepdims=True)
        if self._shares is not None:
            change: Floats = np.matmul(values - noisy, self._shares)
            values = noisy + change
        elif self._luma < 1:
            values = noisy + self._luma * (values - noisy)
        if not self.has_floats:
            values = to_samples(values, self._pixels, self._clean.dtype)
        self._clean[rows.kept, columns.kept] = values


def _check(picture: Picture) -> None:
    shape = picture.shape
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)):
        raise ShapeMismatch(
            f"picture: expected (height, width, 3) or (height, width), received {shape}"
        )
    if not picture.size:
        raise InvalidValue(f"picture: expected at least one pixel, received {shape}")
    if picture.dtype not in LARGEST and picture.dtype != np.float32:
        raise InvalidValue(f"picture: expected uint8, uint16 or float32, received {picture.dtype}")


def _by_channel(luma: float, chroma: float) -> Floats:
    """Return what scales a change in RGB, from the left, by these shares in luma and chroma.

    Cb and Cr are multiples of blue and red minus luma, so chroma is what luma leaves of a colour.
    """
    to_luma = np.repeat(LUMA[:, None], 3, axis=1)
    return np.asarray(chroma * np.eye(3) + (luma - chroma) * to_luma, np.float32)


def _is_gray(picture: Picture) -> bool:
    """Whether all channels are equal."""
    height, width, channels = picture.shape
    if channels == 1:
        return True
    rows, columns = max(1, STRIP // width), min(STRIP, width)
    strips = (
        picture[top : top + rows, left : left + columns]
        for top in range(0, height, rows)
        for left in range(0, width, columns)
    )
    # Comparing channels in pairs takes a third of the time of comparing along the last axis.
    return all(
        np.array_equal(strip[..., 0], strip[..., other]) for strip in strips for other in (1, 2)
    )
