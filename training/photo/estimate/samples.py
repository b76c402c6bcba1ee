"""Photographs with one noise each, and what that noise is."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.datasets.photos import Photos, Pixels
from training.photo.noise import mix
from training.photo.noise.types import Floats
from training.photo.patches import crops, odds, patch

CROPS = {128: (1, 2), 192: (3, 1), 256: (2, 1), 288: (3, 1)}
"""Crops along a side of a mosaic, by its side in pixels; one is as likely as another."""
MOST = 16
"""Photographs in a batch, at most."""
OFFSET = 0.5
"""Added to a noise level before its logarithm is taken: below it, levels hardly differ."""


@dataclass(frozen=True)
class Batch:
    """What a step trains on.

    Args:
        images: float32 (batch, size, size, 3), in [0, 1] for the most part.
        noise: float32 (batch, 7), as the estimator returns it, then the logarithm of the noise
            level before JPEG, plus the same 0.5.
    """

    images: Floats
    noise: NDArray[np.float32]


@dataclass(frozen=True)
class Samples:
    """What the estimator learns from.

    Args:
        photos: The photographs.
        synthetic: How many of them, at the end, are synthetic.
        pixels: Of a batch, at most, unless a single image has more.
        seed: Of all that is random.
    """

    photos: Photos
    synthetic: int
    pixels: int
    seed: int

    def draw(self, number: int, size: int, arrays: list[Pixels]) -> Batch:
        """Return the batch of a number, images of size x size pixels cut from the arrays.

        Half of the images are of one place, half are mosaics of crops from all over a photograph:
        each then has one noise.
        """
        random = np.random.Generator(np.random.SFC64((self.seed, number)))
        count = max(1, min(MOST, self.pixels // size**2))
        chosen = random.choice(len(arrays), count, p=odds(arrays, self.synthetic))
        samples = [mix.sample(_image(arrays[index], size, random), random) for index in chosen]
        return Batch(
            np.stack([sample.noisy for sample in samples]),
            np.array(
                [
                    [_logarithm(sample.sigma), *sample.profile, _logarithm(sample.added)]
                    for sample in samples
                ],
                np.float32,
            ),
        )


def _logarithm(sigma: float) -> float:
    return math.log(sigma + OFFSET)


def _image(array: Pixels, size: int, random: np.random.Generator) -> Floats:
    across = int(random.choice(CROPS[size]))
    if min(array.shape[:2]) * across < size:
        across = max(CROPS[size])
    if across == 1:
        return patch(array, size, random)
    return mosaic(crops(array, size // across, across**2, random))


def mosaic(parts: Floats) -> Floats:
    """Return square crops (count, side, side, 3) in rows, as one image; the count is a square."""
    across, side = math.isqrt(len(parts)), parts.shape[1]
    rows = parts.reshape(across, across, side, side, 3).swapaxes(1, 2)
    return rows.reshape(across * side, across * side, 3)
