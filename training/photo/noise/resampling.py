"""Noise of photographs that were made smaller or larger after they were taken."""

import numpy as np
from PIL import Image

from training.photo.noise.types import Corrupt, Floats

SMALLER, LARGER = 2.0, 0.6
"""How many times the width of a patch noise is drawn at: above 1, the photograph shrinks."""


def resampled(corrupt: Corrupt, clean: Floats, random: np.random.Generator) -> Floats:
    """Add noise at another resolution, and resize it to that of the patch.

    Shrinking averages noise and leaves it nearly white; enlarging blurs it.
    """
    scale = random.uniform(1, SMALLER) if random.random() < 0.7 else random.uniform(LARGER, 1)
    height, width, _ = clean.shape
    there = max(8, round(height * scale)), max(8, round(width * scale))
    at_scale = resized(clean, there, Image.Resampling.BILINEAR)
    filters = (Image.Resampling.BOX, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
    back = filters[random.integers(1 if scale < 1 else 0, len(filters))]
    noisy: Floats = clean + resized(corrupt(at_scale, random) - at_scale, (height, width), back)
    return noisy


def resized(values: Floats, size: tuple[int, int], resample: Image.Resampling) -> Floats:
    """Return values (height, width, channels) at another height and width."""
    channels = (Image.fromarray(np.ascontiguousarray(each)) for each in np.moveaxis(values, -1, 0))
    return np.stack([np.asarray(each.resize(size[::-1], resample)) for each in channels], -1)
