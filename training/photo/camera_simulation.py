"""Simulated camera noise to measure denoisers with; its parameters differ from those in training.

A photograph is converted to linear light and sampled by a Bayer filter; shot and read noise are
added. Then it is developed: white balance, Malvar's demosaicing, the curve of sRGB, JPEG. The clean
image that a restored one is compared with goes through the same pipeline without noise.
"""

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from training.datasets.photos import Pixels

Light = NDArray[np.float64]
SEED = 20_000
"""Noise of the image with index i has this seed plus i; training has seeds of two numbers."""
GAINS = np.array([2.1, 1.0, 1.7])
"""Of red, green and blue in the white balance."""


@dataclass(frozen=True)
class Sensitivity:
    """The noise of a sensor at one ISO setting, with the full well at 1.

    Args:
        name: Of the setting.
        shot: Variance of shot noise at full well.
        read: Standard deviation of read noise.
    """

    name: str
    shot: float
    read: float


def of_iso(iso: float) -> Sensitivity:
    """Return the noise of a typical camera at an ISO setting, of 100 to 6400.

    The variance of shot noise lies on a straight line between logarithms: 3e-6 at ISO 100, 1.2e-4
    at ISO 6400, the medians of darktable's noise profiles of 433 cameras. That of read noise, b,
    follows from it as log b = 1.25 log a - 3.19, fitted to the same profiles.
    """
    shot = 3e-6 * (1.2e-4 / 3e-6) ** (math.log(iso / 100) / math.log(64))
    return Sensitivity(f"low ISO ({iso:g})", shot, math.exp((1.25 * math.log(shot) - 3.19) / 2))


SENSITIVITIES = (
    of_iso(800),
    Sensitivity("middle ISO", 0.0018, 0.004),
    Sensitivity("high ISO", 0.007, 0.011),
)
"""The latter two are of phones and of exposures pushed beyond ISO 51200."""


def photograph(image: Pixels, sensitivity: Sensitivity | None, *, index: int) -> Pixels:
    """Return an image as a camera takes it.

    Args:
        image: uint8 (height, width, 3).
        sensitivity: The noise, None for none.
        index: Of the image; it seeds the noise.

    Returns:
        uint8 of the same shape.
    """
    gains = np.where(_bayer(image.shape[:2]), GAINS, 0).sum(axis=-1)
    raw = np.where(_bayer(image.shape[:2]), _linear(image), 0).sum(axis=-1) / gains
    if sensitivity is not None:
        random = np.random.default_rng(SEED + index)
        photons = random.poisson(raw / sensitivity.shot) * sensitivity.shot
        raw = photons + random.standard_normal(raw.shape) * sensitivity.read
    balanced = np.clip(raw, 0, 1) * gains  # before demosaicing, which assumes like colours
    developed = _curve(np.clip(demosaic(balanced), 0, 1))
    return _jpeg(np.rint(developed * 255).astype(np.uint8))


def demosaic(raw: Light) -> Light:
    """Return the colours of a mosaic (height, width) with red at its corner, by Malvar's filters.

    The filters are those of figure 2 in Malvar, He and Cutler (2004), High-quality linear
    interpolation for demosaicing of Bayer-patterned color images.
    """
    red, green, blue = np.moveaxis(_bayer(raw.shape), -1, 0)
    in_red_row = (np.arange(raw.shape[0]) % 2 == 0)[:, None]
    cross, along, across, diagonal = (
        ndimage.correlate(raw, kernel / 8, mode="mirror")
        for kernel in (_CROSS, _ALONG, _ALONG.T, _DIAGONAL)
    )
    beside_red = np.where(in_red_row, along, across)
    beside_blue = np.where(in_red_row, across, along)
    return np.stack(
        [
            np.select([red, green], [raw, beside_red], diagonal),
            np.where(green, raw, cross),
            np.select([blue, green], [raw, beside_blue], diagonal),
        ],
        axis=-1,
    )


def _bayer(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which colour each pixel of a sensor sees, (height, width, 3): red, green; green, blue."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    red = (rows % 2 == 0) & (columns % 2 == 0)
    blue = (rows % 2 == 1) & (columns % 2 == 1)
    return np.stack([red, ~red & ~blue, blue], axis=-1)


def _linear(image: Pixels) -> Light:
    values = image.astype(np.float64) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _curve(light: Light) -> Light:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _jpeg(image: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=90)
    return np.asarray(Image.open(buffer))


_CROSS = np.array(
    [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]
)
_ALONG = np.array(
    [
        [0, 0, 0.5, 0, 0],
        [0, -1, 0, -1, 0],
        [-1, 4, 5, 4, -1],
        [0, -1, 0, -1, 0],
        [0, 0, 0.5, 0, 0],
    ]
)
_DIAGONAL = np.array(
    [
        [0, 0, -1.5, 0, 0],
        [0, 2, 0, 2, 0],
        [-1.5, 0, 6, 0, -1.5],
        [0, 2, 0, 2, 0],
        [0, 0, -1.5, 0, 0],
    ]
)
