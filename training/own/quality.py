"""What is measured of models of one's own data beside the error: restored images, and classes."""

from collections.abc import Iterator

import numpy as np

from service.inference.model import LoadedModel
from service.manifest import Measurement
from training.datasets.items import DataSet, Items
from training.measurement import CLEAN, CORRUPTED, MODEL, measurement
from training.pixel_noise import NOISES, TEST_SEED, Floats
from training.scores import psnr_of_mean, ssim

MOST_IMAGES = 2_000
"""Of a part, of which PSNR and SSIM are measured."""
MOST_NEIGHBOURS = 10_000
"""Items to train on among which neighbours are looked for."""
NEIGHBOURS = "5 nearest neighbours of the coding"
"""Method: the class that most of the nearest codings of the training part have."""
SMALLEST = 7
"""Pixels of the window of SSIM, along a side."""


def restoring(model: LoadedModel, items: Items, of: str) -> Iterator[Measurement]:
    """Yield PSNR and SSIM of reconstructions and, of a denoiser, of restored noisy images.

    Args:
        model: The model.
        items: Images, of which some are measured where they are many.
        of: What they are, in words.
    """
    images = items.some(MOST_IMAGES).all()
    if "denoise" not in model.batchers:
        restored = model.infer("reconstruct", images)
        yield from _fidelity(restored, images, of, CLEAN, MODEL)
        return
    yield from _fidelity(model.infer("denoise", images), images, of, CLEAN, MODEL)
    for noise in NOISES:
        noisy = noise.corrupt(images, seed=TEST_SEED)
        yield from _fidelity(noisy, images, of, str(noise), CORRUPTED)
        yield from _fidelity(model.infer("denoise", noisy), images, of, str(noise), MODEL)


def nearest_neighbours(model: LoadedModel, data: DataSet, items: Items) -> float | None:
    """Return the share of items whose class the nearest codings of the training part tell.

    Args:
        model: The model.
        data: The data set, which has classes; items without one are left out.
        items: Those to classify.

    Returns:
        None where no item has a class, here or in the training part, or all there have the same.
    """
    from sklearn.neighbors import KNeighborsClassifier

    known, items = data.classified(data.train).some(MOST_NEIGHBOURS), data.classified(items)
    classes = data.labels_of(known)
    if classes is None or len(set(classes)) < 2 or not len(items):
        return None
    classifier = KNeighborsClassifier(n_neighbors=min(5, len(known)))
    classifier.fit(_codings(model, known), classes)
    return float(classifier.score(_codings(model, items), data.labels_of(items)))


def _codings(model: LoadedModel, items: Items) -> Floats:
    codings = np.concatenate([model.infer("encode", batch) for batch in items.batches()])
    return codings.reshape(len(codings), -1)


def _fidelity(
    received: Floats, expected: Floats, of: str, condition: str, method: str
) -> Iterator[Measurement]:
    yield measurement("psnr", of, condition, method, psnr_of_mean(received, expected))
    if min(expected.shape[1:3]) >= SMALLEST:
        yield measurement("ssim", of, condition, method, ssim(received, expected))
