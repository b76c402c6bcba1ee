"""How well noise of each kind is removed from the same crops, as the training goes on."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from training.datasets.photos import Folder, Pixels, middle, open_image
from training.photo.noise import mix
from training.photo.noise.correlated import blur
from training.photo.noise.impulse import impulses
from training.photo.noise.jpeg import compression
from training.photo.noise.profile import UNKNOWN, UNKNOWN_SIGMA, profile, sigma_of
from training.photo.noise.sensor import camera
from training.photo.noise.types import Corrupt, Floats, normal, to_bytes, to_floats

CROP, MOST, BATCH = 256, 12, 4
Corrupted = Callable[[Floats, np.random.Generator], tuple[Floats, Floats]]
"""Clean patch -> noisy patch, and the patch without what of it counts as noise."""


@dataclass(frozen=True)
class Condition:
    """Crops with one kind of noise: noisy (n, size, size, 3), sigma (n,) and profile (n, 5)."""

    noisy: Floats
    sigma: NDArray[np.float32]
    profile: NDArray[np.float32]


@dataclass(frozen=True)
class Validation:
    """Clean crops (n, size, size, 3) in [0, 1], and each condition by the name of its noise."""

    clean: Floats
    conditions: dict[str, Condition]

    @classmethod
    def of(cls, images: Folder, *, size: int = CROP, most: int = MOST) -> "Validation":
        """Return the middles of photographs with noise of fixed seeds.

        Args:
            images: Photographs, of which the first that are large enough are taken.
            size: Height and width of the crops in pixels.
            most: Number of crops.

        Raises:
            ValueError: No photograph is as large as size x size pixels.
        """
        crops: list[Pixels] = []
        for path in images.paths:
            pixels = open_image(path)
            if min(pixels.shape[:2]) >= size:
                crops.append(middle(pixels, size))
            if len(crops) == most:
                break
        if not crops:
            raise ValueError(
                f"{images.root}: expected a photograph of {size} x {size} pixels to validate with, "
                f"received {len(images)} smaller ones"
            )
        clean = np.stack([to_floats(each) for each in crops])
        return cls(clean, {name: _condition(clean, noisy) for name, noisy in _NOISES.items()})

    def measure(self, model: keras.Model) -> dict[str, float]:
        """Return the mean PSNR in dB for each condition, blind and, as NAME_known, informed."""
        measured = {}
        for name, each in self.conditions.items():
            blind = np.full_like(each.sigma, UNKNOWN_SIGMA), np.tile(UNKNOWN, (len(self.clean), 1))
            measured[name] = self._psnr(model, each.noisy, *blind)
            if name not in ("clean", "impulse"):
                measured[f"{name}_known"] = self._psnr(model, each.noisy, each.sigma, each.profile)
        return measured

    def _psnr(self, model: keras.Model, noisy: Floats, *known: NDArray[np.float32]) -> float:
        restored = [
            model.predict_on_batch([each[start : start + BATCH] for each in (noisy, *known)])
            for start in range(0, len(noisy), BATCH)
        ]
        errors = np.mean((_rounded(np.concatenate(restored)) - self.clean) ** 2, axis=(1, 2, 3))
        return round(float(np.mean(-10 * np.log10(np.maximum(errors, 1e-10)))), 3)


def _condition(clean: Floats, corrupted: Corrupted) -> Condition:
    pairs = [corrupted(each, np.random.default_rng(index)) for index, each in enumerate(clean)]
    noisy = [each for each, _ in pairs]
    noise = [each - reference for each, reference in pairs]
    return Condition(
        _rounded(np.stack(noisy)),
        np.array([sigma_of(each) for each in noise], np.float32),
        np.stack([profile(each, origin) for each, origin in zip(noise, clean, strict=True)]),
    )


def _added(corrupt: Corrupt) -> Corrupted:
    return lambda clean, random: (corrupt(clean, random), clean)


def _written(clean: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Return a patch as JPEG, and what of it is not noise: chroma subsampling included."""
    file = compression(random)
    return file.read_back(clean), file.with_subsampled_chroma(clean)


def _white(sigma: float) -> Corrupt:
    def corrupt(clean: Floats, random: np.random.Generator) -> Floats:
        return clean + normal(random, *clean.shape) * np.float32(sigma / 255)

    return corrupt


def _correlated(sigma: float, width: float, shared: float) -> Corrupt:
    """Noise of a sigma, blurred by a width in pixels, channels correlated by a share."""

    def corrupt(clean: Floats, random: np.random.Generator) -> Floats:
        height, wide, _ = clean.shape
        noise = np.sqrt(np.float32(shared)) * normal(random, height, wide, 1) + np.sqrt(
            np.float32(1 - shared)
        ) * normal(random, height, wide, 3)
        noise = blur(noise, width)
        noisy: Floats = clean + noise * np.float32(sigma / 255) / noise.std()
        return noisy

    return corrupt


def _rounded(images: Floats) -> Floats:
    return to_floats(to_bytes(images))


_NOISES: dict[str, Corrupted] = {
    "white15": _added(_white(15)),
    "white25": _added(_white(25)),
    "white50": _added(_white(50)),
    "correlated": _added(_correlated(5.3, 0.65, 0.7)),
    "grain": _added(_correlated(15, 0.7, 1.0)),
    "camera": _added(camera),
    "jpeg": _written,
    "impulse": _added(impulses),
    "clean": _added(mix.nothing),
}
