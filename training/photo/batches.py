"""Batches of noisy and clean patches, each a function of seed, number and patch size alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.datasets.photos import Photos, Pixels
from training.photo.noise import mix
from training.photo.noise.profile import UNKNOWN, UNKNOWN_SIGMA
from training.photo.noise.types import Floats
from training.photo.patches import odds, patch

BLIND, LEVEL_ONLY = 0.15, 0.25
"""Shares of the patches of whose noise the network knows nothing, or the noise level alone."""
LEVEL_ERROR, PROFILE_ERROR = 0.05, 0.03
"""Standard deviations of the errors in what it knows: of sigma's logarithm, and of the profile."""


@dataclass(frozen=True)
class Batch:
    """What a step trains on.

    Args:
        noisy: float32 (batch, size, size, 3).
        sigma: float32 (batch,), negative where the network is to work blind.
        profile: float32 (batch, 5), its first number negative where it is unknown.
        clean: float32 (batch, size, size, 3) in [0, 1].
    """

    noisy: Floats
    sigma: NDArray[np.float32]
    profile: NDArray[np.float32]
    clean: Floats


@dataclass(frozen=True)
class Batches:
    """What batches are cut from.

    Args:
        photos: The photographs; none may be smaller than the patches.
        synthetic: How many of them, at the end, are synthetic.
        pixels: Of a batch, as far as whole patches come near to it.
        seed: Of all that is random.
    """

    photos: Photos
    synthetic: int
    pixels: int
    seed: int

    def draw(self, number: int, size: int, arrays: list[Pixels]) -> Batch:
        """Return the batch of a number, patches of size x size pixels cut from the arrays."""
        random = np.random.Generator(np.random.SFC64((self.seed, number)))
        count = max(1, round(self.pixels / size**2))
        chances = odds(arrays, self.synthetic)
        samples = [
            mix.sample(patch(arrays[index], size, random), random)
            for index in random.choice(len(arrays), count, p=chances)
        ]
        known = [_known(sample, random) for sample in samples]
        return Batch(
            np.stack([sample.noisy for sample in samples]),
            np.array([sigma for sigma, _ in known], np.float32),
            np.stack([profile for _, profile in known]),
            np.stack([sample.clean for sample in samples]),
        )


def _known(sample: mix.Sample, random: np.random.Generator) -> tuple[float, NDArray[np.float32]]:
    """What the network is given of the noise: estimates, as in use, or nothing."""
    kind = random.random()
    if kind < BLIND:
        return UNKNOWN_SIGMA, UNKNOWN
    sigma = sample.sigma * float(np.exp(random.normal(0, LEVEL_ERROR)))
    if kind < BLIND + LEVEL_ONLY:
        return sigma, UNKNOWN
    profile = sample.profile + random.normal(0, PROFILE_ERROR, sample.profile.shape)
    profile[:2] = np.maximum(profile[:2], 0)
    return sigma, profile.astype(np.float32)
