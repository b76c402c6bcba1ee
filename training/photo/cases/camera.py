"""Simulated camera noise of a few sensitivities."""

from collections.abc import Iterator, Sequence

import numpy as np

from training.datasets.photos import Pixels
from training.photo import camera_simulation
from training.photo.cases.case import Case


def cases(images: Sequence[Pixels]) -> Iterator[Case]:
    """Yield images as a camera takes them, beside what it takes without noise."""
    clean = [
        camera_simulation.photograph(image, None, index=index) for index, image in enumerate(images)
    ]
    for sensitivity in camera_simulation.SENSITIVITIES:
        noisy = [
            camera_simulation.photograph(image, sensitivity, index=index)
            for index, image in enumerate(images)
        ]
        # The mean of the noise, which clipping and JPEG leave, is no part of its deviation.
        sigma = [
            float(np.std(photographed.astype(np.float64) - image))
            for photographed, image in zip(noisy, clean, strict=True)
        ]
        yield Case(f"camera noise, {sensitivity.name}", clean, noisy, sigma)
