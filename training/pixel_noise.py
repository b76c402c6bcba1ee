"""Seeded noise to evaluate denoisers with."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Noise:
    """A kind of noise and its level.

    Args:
        kind: Dead pixels are 0; Gaussian noise is clipped to [0, 1].
        amount: The share of dead pixels, or the standard deviation.
    """

    kind: Literal["dead pixels", "gaussian"]
    amount: float

    def __str__(self) -> str:
        if self.kind == "dead pixels":
            return f"{self.amount:.0%} of the pixels dead"
        return f"gaussian noise of {self.amount:g}"

    def corrupt(self, images: Floats, *, seed: int) -> Floats:
        """Return images, float32 of any shape in [0, 1], with the noise of a seed."""
        random = np.random.default_rng(seed)
        if self.kind == "dead pixels":
            return images * (random.random(images.shape) >= self.amount)
        noise = random.standard_normal(images.shape, np.float32)
        return np.clip(images + np.float32(self.amount) * noise, 0, 1)


NOISES = (
    Noise("dead pixels", 0.5),
    Noise("gaussian", 0.1),
    Noise("gaussian", 0.2),
    Noise("gaussian", 0.4),
)
"""What denoisers of images are measured at."""
TEST_SEED = 2
"""Of the noise on test images, the same for every model and every other method."""
