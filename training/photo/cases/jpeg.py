"""What JPEG leaves of clean images."""

import io
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from training.datasets.photos import Pixels
from training.photo.cases.case import Case

QUALITIES = (20, 40, 60)


def cases(images: Sequence[Pixels]) -> Iterator[Case]:
    """Yield images as JPEG of each quality, with half the resolution in colour."""
    for quality in QUALITIES:
        noisy = [compressed(image, quality) for image in images]
        yield Case.measured(f"JPEG of quality {quality}", images, noisy)


def compressed(image: Pixels, quality: int) -> Pixels:
    """Write and read an image as JPEG of a quality of 1 to 95, 4:2:0."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(buffer))
