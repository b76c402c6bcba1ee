"""What demosaicing makes of the noise of a Bayer sensor."""

import numpy as np
from scipy import ndimage

from training.photo.noise.types import Floats


def demosaiced(noise: Floats, random: np.random.Generator) -> Floats:
    """Return noise (height, width, 3) as demosaicing leaves it, for a random phase of the pattern.

    A third of it is bilinear interpolation, the rest between that and Hamilton and Adams's (1997,
    US patent 5,629,734): green from its neighbours along the row, the column or both, corrected by
    the curvature of red and blue; red and blue from their difference to green.
    """
    row, column = random.integers(0, 2, 2)
    rows, columns = np.ogrid[row : row + noise.shape[0], column : column + noise.shape[1]]
    red, blue = (rows % 2 == 0) & (columns % 2 == 0), (rows % 2 == 1) & (columns % 2 == 1)
    is_green = ~red & ~blue
    raw = np.where(is_green, noise[..., 1], np.where(red, noise[..., 0], noise[..., 2]))
    curvature, hue, of_row = np.float32(0), np.float32(0), np.full_like(raw, 0.5)
    if random.random() < 2 / 3:
        curvature, hue = random.random(2).astype(np.float32)
        if random.random() < 0.5:  # noise decides which direction looks the smoother
            of_row = random.integers(0, 2, raw.shape).astype(np.float32)
    along, across = (
        _filtered(raw * is_green, beside) + curvature * ~is_green * _filtered(raw, bend)
        for beside, bend in ((_BESIDE, _BEND), (_BESIDE.T, _BEND.T))
    )
    green = of_row * along + (1 - of_row) * across
    result = np.empty_like(noise)
    for channel, mask in ((0, red), (2, blue)):
        result[..., channel] = hue * green + _filtered((raw - hue * green) * mask, _CORNERS)
    result[..., 1] = green
    return result


def _filtered(values: Floats, kernel: Floats) -> Floats:
    filtered: Floats = ndimage.correlate(values, kernel, mode="mirror")
    return filtered


_CORNERS: Floats = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / np.float32(4)
_BESIDE: Floats = np.array([[1, 2, 1]], np.float32) / np.float32(2)
_BEND: Floats = np.array([[-1, 0, 2, 0, -1]], np.float32) / np.float32(4)
