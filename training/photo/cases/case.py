"""A test case of denoisers: clean images, and the same ones with noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.datasets.photos import Pixels


@dataclass(frozen=True)
class Case:
    """Clean images and the same ones with noise.

    Args:
        condition: The noise, in words.
        clean: uint8 (height, width, 3) each, of any sizes.
        noisy: The same images with noise.
        sigma: Standard deviation of the noise of each image, on the scale of 0 to 255.
    """

    condition: str
    clean: Sequence[Pixels]
    noisy: Sequence[Pixels]
    sigma: Sequence[float]

    @classmethod
    def measured(cls, condition: str, clean: Sequence[Pixels], noisy: Sequence[Pixels]) -> "Case":
        """Return a case whose sigma is the root mean square of each image's noise."""
        pairs = zip(noisy, clean, strict=True)
        return cls(condition, clean, noisy, [rms(each, origin) for each, origin in pairs])


def rms(received: Pixels, expected: Pixels) -> float:
    """Return the root mean square of the difference of two 8-bit images, in levels of 255."""
    return float(np.sqrt(np.mean((received.astype(np.float64) - expected) ** 2)))


def to_pixels(values: NDArray[np.float64]) -> Pixels:
    """Return values on the scale of 0 to 255 as 8-bit images can hold them."""
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
