"""White Gaussian noise, equal or different in each channel."""

import numpy as np

from training.photo.noise.types import Floats, normal

HIGHEST = 55.0
"""Largest standard deviation, on the scale of 0 to 255; beyond it networks extrapolate."""


def white(clean: Floats, random: np.random.Generator) -> Floats:
    """Add white Gaussian noise of sigma 0 to 55, a quarter of it 0 to 15."""
    sigma = random.random() * (15.0 if random.random() < 0.25 else HIGHEST)
    return clean + normal(random, *clean.shape) * np.float32(sigma / 255)


def uneven(clean: Floats, random: np.random.Generator) -> Floats:
    """Add white Gaussian noise of a different sigma in each channel, 0 to 55."""
    sigma = (random.random(3) * HIGHEST / 255).astype(np.float32)
    noisy: Floats = clean + normal(random, *clean.shape) * sigma
    return noisy
