"""What denoisers of photographs are measured on: clean images, and the same ones with noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.datasets.photos import Pixels
from training.photo import pipeline


@dataclass(frozen=True)
class Case:
    """8-bit images (height, width, 3) of any sizes, noisy and clean, and the sigma of each."""

    condition: str
    clean: list[Pixels]
    noisy: list[Pixels]
    sigma: list[float]


def cases(images: Sequence[Pixels], sigmas: Sequence[float]) -> Iterator[Case]:
    """Yield the images with white noise of each sigma, and as a camera takes them."""
    for sigma in sigmas:
        noisy = [white(image, sigma, index=index) for index, image in enumerate(images)]
        told = [float(sigma)] * len(images)
        yield Case(f"white noise of sigma {sigma:g}", list(images), noisy, told)
    clean = [pipeline.photograph(image, None, index=index) for index, image in enumerate(images)]
    for sensitivity in pipeline.SENSITIVITIES:
        noisy = [
            pipeline.photograph(image, sensitivity, index=index)
            for index, image in enumerate(images)
        ]
        # Where nobody has added noise of a known sigma, what is told is what can be measured.
        told = [
            float(np.std(spoiled.astype(np.float64) - image))
            for spoiled, image in zip(noisy, clean, strict=True)
        ]
        yield Case(f"camera noise, {sensitivity.name} ISO", clean, noisy, told)


def white(image: Pixels, sigma: float, *, index: int) -> Pixels:
    """Add white Gaussian noise to the image with an index, as 8-bit images can hold it."""
    noise = np.random.default_rng(index).standard_normal(image.shape) * sigma
    return np.rint(np.clip(image + noise, 0, 255)).astype(np.uint8)
