"""How close restored images are to the clean ones: MSE, PSNR and SSIM.

Images are float32 in [0, 1] or uint8, all of a size in one array or of any sizes in a sequence;
the peak of PSNR and the data range of SSIM are 1 for floats and 255 for uint8.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Images = Sequence[NDArray[Any]] | NDArray[Any]
"""Images (height, width) or (height, width, 3)."""

HIGHEST = 100.0
"""PSNR in dB of what is restored without any error."""


def mse(received: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the mean squared error over all pixels of all images."""
    return float(np.mean((received - expected) ** 2, dtype=np.float64))


def psnr(received: Images, expected: Images) -> float:
    """Return the mean over the images of the PSNR of each, in dB, at most 100 for one image."""
    return float(np.mean([_psnr(*pair) for pair in zip(received, expected, strict=True)]))


def psnr_of_mean(received: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the PSNR in dB of the MSE over all images, for a peak of 1, at most 100."""
    error = mse(received, expected)
    return min(HIGHEST, float(-10 * np.log10(error))) if error else HIGHEST


def ssim(received: Images, expected: Images) -> float:
    """Return the mean over the images of scikit-image's structural similarity, windows of 7x7.

    That of an image in colour is the mean of its channels.
    """
    return float(np.mean([_ssim(*pair) for pair in zip(received, expected, strict=True)]))


def _psnr(received: NDArray[Any], expected: NDArray[Any]) -> float:
    error = np.mean((received.astype(np.float64) - expected) ** 2)
    if error == 0:
        return HIGHEST
    return min(HIGHEST, float(10 * np.log10(_peak(expected) ** 2 / error)))


def _ssim(received: NDArray[Any], expected: NDArray[Any]) -> float:
    similarity: float = structural_similarity(
        received,
        expected,
        channel_axis=-1 if expected.ndim == 3 else None,
        data_range=_peak(expected),
    )
    return similarity


def _peak(images: NDArray[Any]) -> float:
    return 255.0 if images.dtype == np.uint8 else 1.0
