"""Weak Gaussian noise, correlated over space and channels as cameras leave it, by both in a grid.

Noise of an independent or a shared value for the channels of a pixel, blurred, then scaled to an
rms of 5.3. JPEG files of cameras have neighbours that correlate by 0.5 to 0.7 and channels by 0.4
to 0.75.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import ndimage

from training.datasets.photos import Pixels
from training.photo.cases.case import Case, to_pixels

RMS = 5.3
BLURS = (0.0, 0.65, 0.8)
"""Standard deviations of the blur in pixels."""
CORRELATIONS = (0.0, 0.4, 0.7, 1.0)
"""Of the noise of two channels at one pixel."""


def cases(images: Sequence[Pixels]) -> Iterator[Case]:
    """Yield images with noise of each blur and each correlation of the channels."""
    for blur in BLURS:
        for correlation in CORRELATIONS:
            noisy = [
                correlated(image, RMS, blur=blur, correlation=correlation, index=index)
                for index, image in enumerate(images)
            ]
            condition = (
                f"noise of rms {RMS:g}, blur {blur:g}, correlation of channels {correlation:g}"
            )
            yield Case(condition, images, noisy, [RMS] * len(images))


def correlated(
    image: Pixels, sigma: float, *, blur: float, correlation: float, index: int
) -> Pixels:
    """Add correlated Gaussian noise to the image with an index.

    Args:
        image: uint8 (height, width, 3).
        sigma: Root mean square of the noise before clipping, on the scale of 0 to 255.
        blur: Standard deviation of the Gaussian that blurs the noise, in pixels.
        correlation: Of the noise of two channels at one pixel, 0 to 1.
        index: Of the image; it seeds the noise.

    Returns:
        uint8 of the same shape.
    """
    random = np.random.default_rng(index)
    shared = random.standard_normal((*image.shape[:2], 1))
    own = random.standard_normal(image.shape)
    noise = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    noise = ndimage.gaussian_filter(noise, (blur, blur, 0), mode="mirror")
    return to_pixels(image + noise * sigma / np.sqrt(np.mean(noise**2)))
