"""White Gaussian noise, as papers measure with."""

from collections.abc import Sequence

import numpy as np

from training.datasets.photos import Pixels
from training.photo.cases.case import Case, to_pixels

SIGMAS = (15.0, 25.0, 50.0)


def case(images: Sequence[Pixels], sigma: float) -> Case:
    """Return images with white noise of a standard deviation on the scale of 0 to 255."""
    noisy = [white(image, sigma, index=index) for index, image in enumerate(images)]
    known = [float(sigma)] * len(images)
    return Case(f"white noise of sigma {sigma:g}", images, noisy, known)


def white(image: Pixels, sigma: float, *, index: int) -> Pixels:
    """Add white Gaussian noise to the image with an index, as 8-bit images can hold it."""
    noise = np.random.default_rng(index).standard_normal(image.shape) * sigma
    return to_pixels(image + noise)
