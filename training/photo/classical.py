"""Classical denoisers as baselines for photographs, each where its package is installed.

OpenCV and BM3D are optional: pip install opencv-python-headless bm3d.
"""

import itertools
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from skimage.restoration import denoise_nl_means

from training.datasets.photos import Pixels, middle
from training.photo.cases.case import Case
from training.scores import psnr

Restore = Callable[[Pixels, float], Pixels]
"""A noisy 8-bit image (height, width, 3) and the sigma of its noise -> the restored image."""

STRENGTHS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)
TEMPLATES = (3, 5, 7)
"""Grid of OpenCV's non-local means: h as a multiple of sigma, and the side of patches."""
TUNING_CROP = 128


def prepare(case: Case, announce: Callable[[str], None]) -> Iterator[tuple[str, Restore]]:
    """Yield name and function of each installed denoiser, tuned for the images of a case."""
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
    """Return OpenCV's non-local means with the best settings for the centres of the images."""
    import cv2

    def restore(noisy: Pixels, h: float, template: int) -> Pixels:
        restored = cv2.fastNlMeansDenoisingColored(noisy, None, h, h, template, 21)
        return np.asarray(restored, np.uint8)

    noisy, clean = ([middle(each, TUNING_CROP) for each in of] for of in (case.noisy, case.clean))

    def quality(settings: tuple[float, int]) -> float:
        strength, template = settings
        pairs = zip(noisy, case.sigma, strict=True)
        return psnr([restore(each, strength * sigma, template) for each, sigma in pairs], clean)

    strength, template = max(itertools.product(STRENGTHS, TEMPLATES), key=quality)
    return lambda noisy, sigma: restore(noisy, strength * sigma, template)


def _nl_means(noisy: Pixels, sigma: float) -> Pixels:
    level = sigma / 255
    # The fast mode, whose patches are not weighted towards their centres, is 0.3 dB worse.
    return _bytes(
        denoise_nl_means(
            noisy / 255.0,
            patch_size=5,
            patch_distance=6,
            h=0.8 * level,
            sigma=level,
            fast_mode=False,
            channel_axis=-1,
        )
    )


def _cbm3d(noisy: Pixels, sigma: float) -> Pixels:
    import bm3d

    return _bytes(bm3d.bm3d_rgb(noisy / 255.0, sigma / 255))


def _bytes(image: Any) -> Pixels:
    pixels: Pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return pixels
