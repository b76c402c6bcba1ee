"""Pixels <-> the numbers that a model takes, as its manifest says.

Pixels of 16 bits are as bright at 65535 as those of 8 bits are at 255.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.manifest import Pixels

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Samples = Bytes | NDArray[np.uint16]
LARGEST = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
"""The brightest pixel, by its type."""


def to_floats(pixels: Samples, how: Pixels) -> Floats:
    """Return pixels of any shape, uint8 or uint16, as numbers in the model's range."""
    return np.divide(pixels, _scale(pixels.dtype, how), dtype=np.float32)


def to_pixels(values: Floats, how: Pixels) -> Bytes:
    """Return numbers in the model's range as pixels 0-255, rounded, what lies outside clipped."""
    return to_samples(values, how, np.dtype(np.uint8))


def to_samples(values: Floats, how: Pixels, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the same as pixels of a type, uint8 or uint16, over the whole of its range."""
    scaled = values * _scale(dtype, how)
    return np.clip(np.rint(scaled, out=scaled), 0, LARGEST[dtype], out=scaled).astype(dtype)


def _scale(dtype: np.dtype[Any], how: Pixels) -> np.float32:
    return np.float32(how.scale * (LARGEST[dtype] / 255))
