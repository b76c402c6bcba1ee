"""Baselines for the denoisers: scikit-image's classical denoisers and a learned linear filter.

The parameters of each are tuned for every noise on corrupted validation images. Dead pixels darken
an image and clipped noise brightens its background, which scikit-image's denoisers do not model,
so a linear correction of the brightness, fitted on the same images, follows each of them. A
baseline sees nothing but the corrupted image.
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

from training.pixel_noise import Floats, Noise
from training.scores import mse

Restore = Callable[[Floats], Floats]
"""Corrupted images (n, height, width) in [0, 1] -> restored images in [0, 1]."""

TUNING_IMAGES = 200
TRAINING_SEED, TUNING_SEED = 11, 12
RIDGES = (1e-6, 1e-4, 1e-2)
LINEAR = "linear filter"


@dataclass(frozen=True)
class Grid:
    """A denoiser of one image, and the parameter values of its grid search."""

    denoise: Callable[..., Any]
    values: Mapping[str, Sequence[Any]]

    def settings(self) -> Iterator[dict[str, Any]]:
        """Yield every combination of parameter values."""
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
    """Return a baseline, tuned for a noise.

    Args:
        method: One of `METHODS`.
        train: Clean images (n, height, width) in [0, 1] that the linear filter is learned from.
        validation: Clean images that parameters are tuned on.
        noise: The noise to remove.
    """
    clean = validation[:TUNING_IMAGES]
    corrupted = noise.corrupt(clean, seed=TUNING_SEED)
    if method == LINEAR:
        return learn(train, noise.corrupt(train, seed=TRAINING_SEED), clean, corrupted)
    return tune(GRIDS[method], clean, corrupted)


@dataclass(frozen=True)
class LinearFilter:
    """A linear map of all corrupted pixels to each restored one, clipped to [0, 1].

    Args:
        weights: (pixels + 1, pixels), the last row being the bias.
    """

    weights: NDArray[np.float64]

    def __call__(self, corrupted: Floats) -> Floats:
        restored = _with_constant(corrupted) @ self.weights
        return _clipped(restored.reshape(corrupted.shape))


def learn(
    clean: Floats, corrupted: Floats, validation_clean: Floats, validation_corrupted: Floats
) -> LinearFilter:
    """Fit a linear filter by ridge regression; the validation MSE chooses the ridge.

    Args:
        clean: Training images (n, height, width) in [0, 1].
        corrupted: The same images with noise.
        validation_clean: Validation images.
        validation_corrupted: The same images with noise.
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
    """A denoiser of scikit-image with parameters and a brightness correction, gain * x + offset."""

    denoise: Callable[..., Any]
    parameters: Mapping[str, Any]
    gain: float
    offset: float

    def __call__(self, corrupted: Floats) -> Floats:
        denoised = _each(self.denoise, corrupted, self.parameters)
        return _clipped(self.gain * denoised + self.offset)


def tune(grid: Grid, clean: Floats, corrupted: Floats) -> Tuned:
    """Return the parameters of a grid with the lowest MSE on images (n, height, width)."""

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
