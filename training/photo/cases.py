"""Test cases of denoisers of photographs: clean images, and the same ones with noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.datasets.photos import Pixels
from training.photo import camera_simulation


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
    clean: list[Pixels]
    noisy: list[Pixels]
    sigma: list[float]


def cases(images: Sequence[Pixels], sigmas: Sequence[float]) -> Iterator[Case]:
    """Yield the images with white noise of each sigma, and as a camera takes them."""
    for sigma in sigmas:
        noisy = [white(image, sigma, index=index) for index, image in enumerate(images)]
        known = [float(sigma)] * len(images)
        yield Case(f"white noise of sigma {sigma:g}", list(images), noisy, known)
    clean = [
        camera_simulation.photograph(image, None, index=index) for index, image in enumerate(images)
    ]
    for sensitivity in camera_simulation.SENSITIVITIES:
        noisy = [
            camera_simulation.photograph(image, sensitivity, index=index)
            for index, image in enumerate(images)
        ]
        # The sigma of camera noise is not set by a parameter, so it is measured.
        measured = [
            float(np.std(photographed.astype(np.float64) - image))
            for photographed, image in zip(noisy, clean, strict=True)
        ]
        yield Case(f"camera noise, {sensitivity.name} ISO", clean, noisy, measured)


def white(image: Pixels, sigma: float, *, index: int) -> Pixels:
    """Add white Gaussian noise to the image with an index, as 8-bit images can hold it."""
    noise = np.random.default_rng(index).standard_normal(image.shape) * sigma
    return np.rint(np.clip(image + noise, 0, 255)).astype(np.uint8)
