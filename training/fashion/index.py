"""Build the index of a model of Fashion-MNIST: of its training or of its test images."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.manifest import Manifest
from training.datasets.fashion_mnist import CLASSES, FashionMnist
from training.indexing.build import Options, build
from training.indexing.piece import SIZE, Piece
from training.pixel_noise import Floats


def index(folder: Path, data: FashionMnist, options: Namespace) -> Manifest:
    """Write the index of a model, and the manifest and the card that describe it.

    Args:
        folder: models/<name>/<version>/.
        data: The images.
        options: Those of the command line.

    Raises:
        StartupError: The folder cannot be served.
    """
    if options.part == "test":
        images, labels = data.test, data.test_labels
    else:
        images = np.concatenate([data.train, data.validation])
        labels = np.concatenate([data.train_labels, data.validation_labels])
    return build(
        folder,
        _pieces(images, labels, options.part),
        f"{'test' if options.part == 'test' else 'training'} images of Fashion-MNIST",
        Options(options.metric, options.first),
    )


def _pieces(images: Floats, labels: NDArray[np.uint8], part: str) -> Iterator[Piece]:
    """Yield images; an id says which part's, and the number in its files, from 0."""
    for start in range(0, len(images), SIZE):
        found = images[start : start + SIZE]
        ids = [f"{part}/{start + number}" for number in range(len(found))]
        yield Piece(found, ids, [CLASSES[label] for label in labels[start : start + SIZE]])
