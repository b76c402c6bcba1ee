"""Denoisers without learning, to compare a learned one with: each where its package is installed.

OpenCV and BM3D are no packages of this project: pip install opencv-python-headless bm3d.
"""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from skimage.restoration import denoise_nl_means

from training.datasets.photos import Pixels
from training.photo.cases import Case
from training.photo.scores import psnr
from training.photo.validation import middle

Restore = Callable[[Pixels, float], Pixels]
"""A noisy 8-bit image (height, width, 3) and the sigma of its noise -> the restored image."""

STRENGTHS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)
"""Of OpenCV's non-local means, to choose from: h as a multiple of sigma."""
TUNING_CROP, TUNING_IMAGES = 128, 8


def prepare(case: Case, announce: Callable[[str], None]) -> Iterator[tuple[str, Restore]]:
    """Yield the name of each denoiser that is installed, ready to restore the images of a case."""
    if _installed("cv2", "opencv-python-headless", announce):
        yield "OpenCV non-local means, tuned with the truth", _opencv(case)
    yield "scikit-image non-local means, told sigma", _nl_means
    if _installed("bm3d", "bm3d", announce):
        yield "CBM3D, told sigma", _cbm3d


def _installed(module: str, package: str, announce: Callable[[str], None]) -> bool:
    if find_spec(module):
        return True
    announce(f"left out: {package} is not installed")
    return False


def _opencv(case: Case) -> Restore:
    """Non-local means of OpenCV with the strength that restores some of the images best."""
    import cv2

    def restore(noisy: Pixels, h: float) -> Pixels:
        return np.asarray(cv2.fastNlMeansDenoisingColored(noisy, None, h, h, 7, 21), np.uint8)

    crops = [
        [middle(image, TUNING_CROP) for image in images[:TUNING_IMAGES]]
        for images in (case.noisy, case.clean)
    ]

    def quality(strength: float) -> float:
        told = zip(crops[0], case.sigma, strict=False)
        return psnr([restore(noisy, strength * sigma) for noisy, sigma in told], crops[1])

    best = max(STRENGTHS, key=quality)
    return lambda noisy, sigma: restore(noisy, best * sigma)


def _nl_means(noisy: Pixels, sigma: float) -> Pixels:
    level = sigma / 255
    return _bytes(
        denoise_nl_means(
            noisy / 255.0,
            patch_size=5,
            patch_distance=6,
            h=0.6 * level,
            sigma=level,
            fast_mode=True,
            channel_axis=-1,
        )
    )


def _cbm3d(noisy: Pixels, sigma: float) -> Pixels:
    import bm3d

    return _bytes(bm3d.bm3d_rgb(noisy / 255.0, sigma / 255))


def _bytes(image: Any) -> Pixels:
    pixels: Pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return pixels
