"""Classical denoisers to compare a learned one with: scikit-image's, and the best linear filter.

Each gets its best chance. What it can be tuned by is tuned for every noise, on corrupted
validation images; and as dead pixels darken a picture and clipped noise brightens its background,
which none of scikit-image's denoisers can know, each of these is followed by the straight line
from its brightness to the clean one that fits those images best. What restores a picture sees no
more than the corrupted picture.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

from training.fashion.noise import Floats, Noise
from training.scores import mse

Restore = Callable[[Floats], Floats]
"""Corrupted images (n, height, width) in [0, 1] -> restored images in [0, 1]."""

TUNING_IMAGES = 200
TRAINING_SEED, TUNING_SEED = 11, 12
RIDGES = (1e-6, 1e-4, 1e-2)
LINEAR = "linear filter"


@dataclass(frozen=True)
class Grid:
    """A denoiser of one image, and the values to try for each of its parameters."""

    denoise: Callable[..., Any]
    values: Mapping[str, Sequence[Any]]

    def settings(self) -> Iterator[dict[str, Any]]:
        """Yield every combination of the values."""
        for values in product(*self.values.values()):
            yield dict(zip(self.values, values, strict=True))


GRIDS: Mapping[str, Grid] = MappingProxyType(
    {
        "non-local means": Grid(
            denoise_nl_means,
            {
                "patch_size": (5, 7),
                "patch_distance": (2, 3, 5),
                "h": (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7),
            },
        ),
        "total variation": Grid(
            denoise_tv_chambolle,
            {"weight": (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6)},
        ),
        "wavelets": Grid(
            denoise_wavelet,
            {
                "wavelet": ("db1", "db2"),  # longer ones have no third level in 28 pixels
                "wavelet_levels": (1, 2, 3),
                "mode": ("soft", "hard"),
                "sigma": (None, 0.05, 0.1, 0.2, 0.3, 0.4),
            },
        ),
    }
)
METHODS = (LINEAR, *GRIDS)


def prepare(method: str, train: Floats, validation: Floats, noise: Noise) -> Restore:
    """Return one of METHODS, learned from and tuned on images (n, height, width) with a noise."""
    clean = validation[:TUNING_IMAGES]
    corrupted = noise.corrupt(clean, seed=TUNING_SEED)
    if method == LINEAR:
        return learn(train, noise.corrupt(train, seed=TRAINING_SEED), clean, corrupted)
    return tune(GRIDS[method], clean, corrupted)


@dataclass(frozen=True)
class LinearFilter:
    """Each restored pixel is a weighted sum of all corrupted ones, clipped to [0, 1].

    weights: (pixels + 1, pixels), the last row for a constant 1.
    """

    weights: NDArray[np.float64]

    def __call__(self, corrupted: Floats) -> Floats:
        restored = _with_constant(corrupted) @ self.weights
        return _clipped(restored.reshape(corrupted.shape))


def learn(
    clean: Floats, corrupted: Floats, validation_clean: Floats, validation_corrupted: Floats
) -> LinearFilter:
    """Return the linear filter that restores training images best, by ridge regression.

    All are images (n, height, width); the ridge is the one that does best on the validation images.
    """
    pixels = clean[0].size
    gram = np.zeros((pixels + 1, pixels + 1))
    moment = np.zeros((pixels + 1, pixels))
    for start in range(0, len(clean), 5000):  # in float64, all at once would take gigabytes
        inputs = _with_constant(corrupted[start : start + 5000])
        gram += inputs.T @ inputs
        moment += inputs.T @ clean[start : start + 5000].reshape(len(inputs), -1)
    penalty = np.diag([*np.ones(pixels), 0.0]) * len(clean)
    filters = [
        LinearFilter(solve(gram + ridge * penalty, moment, assume_a="pos")) for ridge in RIDGES
    ]
    return min(filters, key=lambda restore: mse(restore(validation_corrupted), validation_clean))


@dataclass(frozen=True)
class Tuned:
    """A denoiser of scikit-image's with its parameters: gain * denoised + offset, in [0, 1]."""

    denoise: Callable[..., Any]
    parameters: Mapping[str, Any]
    gain: float
    offset: float

    def __call__(self, corrupted: Floats) -> Floats:
        denoised = _each(self.denoise, corrupted, self.parameters)
        return _clipped(self.gain * denoised + self.offset)


def tune(grid: Grid, clean: Floats, corrupted: Floats) -> Tuned:
    """Return the setting of a grid that restores images (n, height, width) best, by MSE."""

    def fitted() -> Iterator[tuple[float, Tuned]]:
        for parameters in grid.settings():
            denoised = _each(grid.denoise, corrupted, parameters)
            gain, offset = np.polyfit(denoised.ravel(), clean.ravel(), 1)
            error = mse(_clipped(gain * denoised + offset), clean)
            yield error, Tuned(grid.denoise, parameters, float(gain), float(offset))

    return min(fitted(), key=lambda pair: pair[0])[1]


def _each(
    denoise: Callable[..., Any], images: Floats, parameters: Mapping[str, Any]
) -> NDArray[np.float64]:
    return np.stack([denoise(image, **parameters) for image in images]).astype(np.float64)


def _with_constant(images: Floats) -> NDArray[np.float64]:
    flat = images.reshape(len(images), -1).astype(np.float64)
    return np.concatenate([flat, np.ones((len(images), 1))], axis=1)


def _clipped(images: NDArray[np.float64]) -> Floats:
    return np.clip(images, 0, 1).astype(np.float32)
