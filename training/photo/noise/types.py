"""The types that every kind of noise shares."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Corrupt = Callable[[Floats, np.random.Generator], Floats]
"""Clean patch float32 (height, width, 3) in [0, 1] -> noisy patch of that shape, not clipped."""

LUMINANCE = (0.299, 0.587, 0.114)
"""Shares of red, green and blue, of BT.601."""


def normal(random: np.random.Generator, *shape: int) -> Floats:
    """Return standard normal numbers float32 of a shape."""
    return random.standard_normal(shape, np.float32)


def log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    """Return a number between low and high whose logarithm is uniform; both are above 0."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def luminance(image: Floats) -> Floats:
    """Return the luminance (height, width, 1) of RGB (height, width, 3)."""
    weighted: Floats = image @ np.array(LUMINANCE, np.float32)[:, np.newaxis]
    return weighted


def to_bytes(images: Floats) -> Bytes:
    """Return images in [0, 1] as 8-bit images, clipped and rounded."""
    return (np.clip(images, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def to_floats(images: Bytes) -> Floats:
    """Return 8-bit images as float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(255)
