"""How close received images are to the expected ones, all of them (n, height, width) in [0, 1]."""

import numpy as np
from skimage.metrics import structural_similarity

from training.noise import Floats


def mse(received: Floats, expected: Floats) -> float:
    """Return the mean squared error over all pixels of all images."""
    return float(np.mean((received - expected) ** 2, dtype=np.float64))


def psnr(received: Floats, expected: Floats) -> float:
    """Return the peak signal-to-noise ratio in dB, of the mean MSE, for a peak of 1."""
    return float(-10 * np.log10(mse(received, expected)))


def ssim(received: Floats, expected: Floats) -> float:
    """Return the mean over the images of scikit-image's structural similarity, windows of 7x7."""
    pairs = zip(received, expected, strict=True)
    return float(np.mean([structural_similarity(a, b, data_range=1.0) for a, b in pairs]))
