"""What demosaicing makes of a photograph of a Bayer sensor, and of its noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from training.photo.noise.correlated import blur
from training.photo.noise.types import Floats

SOFTEST = 1.0
"""Standard deviation of the strongest blur of lens and low-pass filter, in pixels."""
GAMMA = np.float32(2.2)
"""Of the tone curve, as a power."""


@dataclass(frozen=True)
class Interpolation:
    """How the missing colours are found, between bilinear interpolation and that of a patent.

    The patent is Hamilton and Adams's (1997, US 5,629,734): green from its neighbours along the
    row, the column or both, corrected by the curvature of red and blue; red and blue from their
    difference to green.

    Args:
        curvature: How much of the correction is made, 0 to 1.
        hue: How much of green is taken from red and blue before they are interpolated, 0 to 1.
        is_directed: Whether green is taken along the row or the column, whichever looks the
            smoother, instead of along both.
    """

    curvature: float
    hue: float
    is_directed: bool


BILINEAR = Interpolation(0, 0, is_directed=False)


def demosaiced(noise: Floats, random: np.random.Generator) -> Floats:
    """Return noise (height, width, 3) as demosaicing leaves it, for a random phase of the pattern.

    A third of it is bilinear interpolation.
    """
    phase = random.integers(0, 2, 2)
    method = BILINEAR
    if random.random() < 2 / 3:
        method = Interpolation(random.random(), random.random(), is_directed=random.random() < 0.5)
    return _interpolated(noise, phase, method)


def developed(clean: Floats, random: np.random.Generator) -> Floats:
    """Return a photograph (height, width, 3) in [0, 1] as a camera develops it without noise.

    Edges become softer, zipper-like and of false colour, which is no noise: it is in the mean of
    many exposures too. The methods are better than those for noise, as cameras have them.
    """
    light = blur(np.clip(clean, 0, 1) ** GAMMA, random.uniform(0, SOFTEST))
    phase = random.integers(0, 2, 2)
    method = BILINEAR
    if random.random() < 0.9:
        method = Interpolation(
            random.uniform(0.5, 1), random.uniform(0.7, 1), is_directed=random.random() < 0.6
        )
    result: Floats = np.clip(_interpolated(light, phase, method), 0, 1) ** (1 / GAMMA)
    return result


def _interpolated(colours: Floats, phase: NDArray[np.int64], method: Interpolation) -> Floats:
    height, width, _ = colours.shape
    rows, columns = np.ogrid[phase[0] : phase[0] + height, phase[1] : phase[1] + width]
    red, blue = (rows % 2 == 0) & (columns % 2 == 0), (rows % 2 == 1) & (columns % 2 == 1)
    is_green = ~red & ~blue
    raw = np.where(is_green, colours[..., 1], np.where(red, colours[..., 0], colours[..., 2]))
    curvature, hue = np.float32(method.curvature), np.float32(method.hue)
    along, across = (
        _filtered(raw * is_green, beside) + curvature * ~is_green * _filtered(raw, bend)
        for beside, bend in ((_BESIDE, _BEND), (_BESIDE.T, _BEND.T))
    )
    weight = np.full_like(raw, 0.5)
    if method.is_directed:
        steps = [
            abs(_filtered(raw, slope)) + abs(_filtered(raw, 4 * bend))
            for slope, bend in ((_SLOPE, _BEND), (_SLOPE.T, _BEND.T))
        ]
        weight = weight * (1 + np.sign(steps[1] - steps[0]))
    green = weight * along + (1 - weight) * across
    result = np.empty_like(colours)
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
_SLOPE: Floats = np.array([[-1, 0, 1]], np.float32)
