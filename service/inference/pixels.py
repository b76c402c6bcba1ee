"""Conversion between pixels and the numbers that a model takes, as its manifest says.

White is 255 in 8 bits and 65535 in 16 bits.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidValue
from service.manifest import Pixels

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Samples = Bytes | NDArray[np.uint16]
LARGEST = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
"""White, by the type of the pixels."""


def to_floats(pixels: Samples, how: Pixels | None) -> Floats:
    """Convert pixels to the model's numbers.

    Args:
        pixels: uint8 or uint16 of any shape, over their whole range.
        how: The manifest's mode and scale; None of a model of rows.

    Returns:
        float32 of the same shape.

    Raises:
        InvalidValue: The model takes no pixels.
    """
    return np.divide(pixels, _scale(pixels.dtype, how), dtype=np.float32)


def to_pixels(values: Floats, how: Pixels | None) -> Bytes:
    """Convert the model's numbers to 8-bit pixels, as to_samples() does."""
    return to_samples(values, how, np.dtype(np.uint8))


def to_samples(values: Floats, how: Pixels | None, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Convert the model's numbers to pixels, rounded, and clipped to their range.

    Args:
        values: float32 of any shape.
        how: The manifest's mode and scale.
        dtype: uint8 or uint16.

    Returns:
        Pixels of the same shape.
    """
    scaled = values * _scale(dtype, how)
    return np.clip(np.rint(scaled, out=scaled), 0, LARGEST[dtype], out=scaled).astype(dtype)


def _scale(dtype: np.dtype[Any], how: Pixels | None) -> np.float32:
    if how is None:
        raise InvalidValue(f"body: expected rows as floats, received pixels ({dtype})")
    return np.float32(how.scale * (LARGEST[dtype] / 255))
