"""The same noisy crops after every so many steps: how well noise of each kind is removed."""

from dataclasses import dataclass

import keras
import numpy as np

from training.datasets.photos import Folder, Pixels, middle, open_image
from training.photo import noise
from training.photo.noise import UNKNOWN, Floats

WHITE = (15, 25, 50)
CROP, MOST, BATCH = 256, 16, 4


@dataclass(frozen=True)
class Validation:
    """Clean crops (n, size, size, 3) in [0, 1], and noisy ones by the name of their noise."""

    clean: Floats
    noisy: dict[str, Floats]

    @classmethod
    def of(cls, images: Folder, *, size: int = CROP, most: int = MOST) -> "Validation":
        """Return the middles of at most so many photographs, with noise of fixed seeds.

        Raises ValueError where no photograph is as large as size x size pixels.
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
        clean = np.stack(crops).astype(np.float32) / np.float32(255)
        noisy = {f"white{sigma}": _rounded(_white(clean, sigma)) for sigma in WHITE}
        for kind in (noise.camera, noise.smeared):
            spoiled = [kind(each, np.random.default_rng(index)) for index, each in enumerate(clean)]
            noisy[kind.__name__] = _rounded(np.stack(spoiled))
        return cls(clean, noisy | {"none": clean})

    def measure(self, model: keras.Model) -> dict[str, float]:
        """Return the mean PSNR in dB over the crops for each noise, blind, and for one told."""
        measured = {name: self._psnr(model, noisy, UNKNOWN) for name, noisy in self.noisy.items()}
        told = WHITE[-1]  # what is told of the heaviest noise is what a young model takes worst
        return measured | {f"told{told}": self._psnr(model, self.noisy[f"white{told}"], told)}

    def _psnr(self, model: keras.Model, noisy: Floats, sigma: float) -> float:
        batches = [noisy[start : start + BATCH] for start in range(0, len(noisy), BATCH)]
        restored = [
            model.predict_on_batch([batch, np.full(len(batch), sigma, np.float32)])
            for batch in batches
        ]
        errors = np.mean((_rounded(np.concatenate(restored)) - self.clean) ** 2, axis=(1, 2, 3))
        return round(float(np.mean(-10 * np.log10(np.maximum(errors, 1e-10)))), 3)


def _white(clean: Floats, sigma: int) -> Floats:
    draws = [
        np.random.default_rng(index).standard_normal(each.shape, np.float32)
        for index, each in enumerate(clean)
    ]
    added: Floats = np.stack(draws)
    return clean + added * np.float32(sigma / 255)


def _rounded(images: Floats) -> Floats:
    return noise.to_bytes(images).astype(np.float32) / np.float32(255)
