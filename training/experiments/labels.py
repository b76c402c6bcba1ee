"""A few labelled images, of each class as many, drawn by a seed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

HELD_OUT = 0.2
"""Share of the labels that chooses the epoch, or the strength of regularisation."""

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Labelled:
    """Which images are labelled.

    Args:
        train: Indices of the images that weights are fitted to.
        validation: Of those that choose between fits.
    """

    train: Indices
    validation: Indices


def draw(labels: NDArray[np.uint8], count: int, seed: int) -> Labelled:
    """Return a number of images of the same shares of classes as all have.

    Args:
        labels: The class of each image.
        count: Images to draw, in both parts together.
        seed: Of the draw.

    Raises:
        ValueError: There are too few images.
    """
    if count > len(labels):
        raise ValueError(f"labels: expected at most {len(labels)}, received {count}")
    everything = np.arange(len(labels))
    drawn = (
        everything
        if count == len(labels)
        else train_test_split(everything, train_size=count, stratify=labels, random_state=seed)[0]
    )
    train, validation = train_test_split(
        drawn, test_size=HELD_OUT, stratify=labels[drawn], random_state=seed
    )
    return Labelled(np.sort(train), np.sort(validation))
