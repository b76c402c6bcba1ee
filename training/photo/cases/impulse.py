"""Impulse noise: salt and pepper, on whole pixels or in each channel by itself."""

from collections.abc import Iterator, Sequence

import numpy as np

from training.datasets.photos import Pixels
from training.photo.cases.case import Case

SHARE = 0.02


def cases(images: Sequence[Pixels]) -> Iterator[Case]:
    """Yield images of which a share of the pixels is black or white, then of the values."""
    for depth, what in ((1, "pixels"), (3, "values")):
        noisy = [
            impulses(image, SHARE, depth=depth, index=index) for index, image in enumerate(images)
        ]
        yield Case.measured(f"impulse noise, {SHARE:.0%} of the {what}", images, noisy)


def impulses(image: Pixels, share: float, *, depth: int, index: int) -> Pixels:
    """Replace a share of the image with an index by 0 and, as often, by 255.

    Args:
        image: uint8 (height, width, 3).
        share: Probability of each place to be hit, 0 to 1.
        depth: 1 to hit whole pixels, 3 to hit each channel by itself.
        index: Of the image; it seeds the noise.
    """
    drawn = np.random.default_rng(index).random((*image.shape[:2], depth))
    low, high = np.uint8(0), np.uint8(255)
    return np.where(drawn < share / 2, low, np.where(drawn < share, high, image))
