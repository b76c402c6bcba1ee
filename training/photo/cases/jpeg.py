"""What JPEG leaves of clean images."""

from collections.abc import Iterator, Sequence

from training.datasets.photos import Pixels
from training.photo.cases.case import Case, rms
from training.photo.noise.jpeg import Writing
from training.photo.noise.types import to_bytes, to_floats

QUALITIES = (20, 40, 60)
HALVED = 2
"""Pillow's number of 4:2:0: half the resolution in colour."""


def cases(images: Sequence[Pixels]) -> Iterator[Case]:
    """Yield images as JPEG of each quality, with half the resolution in colour.

    The chroma that is lost to that is in the error, but not in sigma: it is no noise.
    """
    for quality in QUALITIES:
        written = Writing((0, 0), HALVED, {"quality": quality})
        noisy = [written.read_back(image) for image in images]
        sigma = [
            rms(each, to_bytes(written.with_subsampled_chroma(to_floats(image))))
            for each, image in zip(noisy, images, strict=True)
        ]
        yield Case(f"JPEG of quality {quality}", images, noisy, sigma)
