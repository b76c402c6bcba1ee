"""Impulse noise: salt and pepper, hot and dead pixels."""

import numpy as np
from scipy import ndimage

from training.photo.noise.types import Floats, log_uniform

MOST = 0.03
"""Largest share of the pixels that is hit."""


def impulses(noisy: Floats, random: np.random.Generator) -> Floats:
    """Return a patch with up to 3 % of its pixels, or of its numbers, replaced.

    By black and white, by any value, or by white alone; single pixels, or crosses as demosaicing
    makes of them.
    """
    height, width, _ = noisy.shape
    share = log_uniform(random, 3e-4, MOST)
    depth = 1 if random.random() < 0.5 else 3
    hit = random.random((height, width, depth), np.float32) < share
    kind = random.random()
    if kind < 0.6:
        value = (random.random((height, width, depth), np.float32) < 0.5).astype(np.float32)
    elif kind < 0.8:
        value = random.random((height, width, depth), np.float32)
    else:
        value = np.ones((height, width, depth), np.float32)
    weight = hit.astype(np.float32)
    if random.random() < 0.25:
        weight = np.minimum(ndimage.correlate(weight, _CROSS, mode="constant"), 1)
        value = ndimage.maximum_filter(value * hit, (3, 3, 1))
    replaced: Floats = noisy + weight * (value - noisy)
    return replaced


_CROSS: Floats = np.array([[0, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 0]], np.float32)[..., None]
