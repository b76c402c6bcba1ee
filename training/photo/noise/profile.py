"""What a denoiser can know of noise beside its standard deviation.

A profile is five numbers: how much of the noise is colour, how alike neighbours are, and how strong
it is in the shadows, the mid-tones and the highlights.
"""

import numpy as np
from numpy.typing import NDArray

from service.manifest import PROFILE
from training.photo.noise.types import Floats, luminance

UNKNOWN_SIGMA = -1.0
"""The sigma of an image whose noise level is not known."""
UNKNOWN = np.full(PROFILE, -1, np.float32)
"""The profile of noise that is not known; no other begins with a number below 0."""
TONES = (1 / 3, 2 / 3)
"""Luminances between the shadows, the mid-tones and the highlights."""
WHITE = np.array([1, 0.5, 0, 0, 0], np.float32)
"""The profile of white noise, and of none."""
NOTHING = (0.1 / 255) ** 2
"""Variance below which there is no noise to describe."""
FEWEST = 0.01
"""Share of the pixels below which a range of tones is described as the one nearest to it."""


def sigma_of(noise: Floats) -> float:
    """Return the root mean square of noise on [0, 1], on the scale of 0 to 255."""
    return float(np.sqrt(np.mean(np.square(noise, dtype=np.float64)))) * 255


def profile(noise: Floats, clean: Floats) -> NDArray[np.float32]:
    """Return the profile (5,) of noise (height, width, 3) on a clean patch of the same shape.

    First the share of colour in the variance, 0 where all channels have the same noise and 1 where
    each has its own of the same strength, up to 1.5; then the correlation of the luminance noise
    of neighbours, -1 to 1, plus 1, halved; then the binary logarithms of the noise level in the
    shadows, the mid-tones and the highlights over that of all, in [-3, 3].
    """
    power = float(np.mean(np.square(noise)))
    if power < NOTHING:
        return WHITE.copy()
    shared = noise.mean(-1)
    chroma = 1.5 * max(0.0, 1 - float(np.mean(np.square(shared))) / power)
    centred = shared - shared.mean()
    variance = float(np.mean(np.square(centred))) + 1e-12
    below, beside = centred[1:] * centred[:-1], centred[:, 1:] * centred[:, :-1]
    correlation = float(below.mean() + beside.mean()) / (2 * variance)
    levels = _levels(np.square(noise).mean(-1), clean, power)
    return np.array([chroma, (1 + correlation) / 2, *levels], np.float32)


def _levels(squares: Floats, clean: Floats, power: float) -> list[float]:
    ranges = np.digitize(luminance(clean)[..., 0], TONES)
    least = max(16, FEWEST * ranges.size)
    counts = np.bincount(ranges.ravel(), minlength=3)
    sums = np.bincount(ranges.ravel(), squares.ravel(), minlength=3)
    levels = np.clip(0.5 * np.log2((sums / np.maximum(counts, 1) + 1e-12) / power), -3, 3)
    present = np.flatnonzero(counts >= least)
    return [float(levels[present[np.argmin(np.abs(present - each))]]) for each in range(3)]
