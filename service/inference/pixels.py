"""8-bit pixels <-> the numbers that a model takes, as its manifest says."""

import numpy as np
from numpy.typing import NDArray

from service.manifest import Pixels

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


def to_floats(pixels: Bytes, how: Pixels) -> Floats:
    """Return pixels 0-255 of any shape as numbers in the model's range."""
    return np.divide(pixels, np.float32(how.scale), dtype=np.float32)


def to_pixels(values: Floats, how: Pixels) -> Bytes:
    """Return numbers in the model's range as pixels 0-255, rounded, what lies outside clipped."""
    scaled = values * np.float32(how.scale)
    return np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled).astype(np.uint8)
