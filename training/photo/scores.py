"""How close restored 8-bit images are to the clean ones, as papers on denoising count it."""

from collections.abc import Sequence

import numpy as np
from skimage.metrics import structural_similarity

from training.datasets.photos import Pixels

HIGHEST = 100.0
"""PSNR in dB of an image that is restored without any error."""


def psnr(received: Sequence[Pixels], expected: Sequence[Pixels]) -> float:
    """Return the mean over the images of the PSNR of each in dB, for a peak of 255."""
    return float(np.mean([_psnr(*pair) for pair in zip(received, expected, strict=True)]))


def ssim(received: Sequence[Pixels], expected: Sequence[Pixels]) -> float:
    """Return the mean over the images of scikit-image's structural similarity, mean of colours."""
    pairs = zip(received, expected, strict=True)
    return float(
        np.mean([structural_similarity(a, b, channel_axis=-1, data_range=255) for a, b in pairs])
    )


def _psnr(received: Pixels, expected: Pixels) -> float:
    error = np.mean((received.astype(np.float64) - expected) ** 2)
    return HIGHEST if error == 0 else min(HIGHEST, float(10 * np.log10(255**2 / error)))
