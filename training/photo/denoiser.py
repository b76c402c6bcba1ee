"""A denoiser of photographs as it is served, on whole 8-bit images."""

from pathlib import Path

import numpy as np

from service.inference.loading import load
from service.manifest import Manifest
from training.datasets.photos import Pixels


class Denoiser:
    """The newest or a given version of a model, asked without HTTP and without tiles."""

    def __init__(self, folder: Path) -> None:
        """Load a model's folder models/<name>/<version>/.

        Raises StartupError where it cannot be served, ValueError where it denoises no photographs.
        """
        self._model = load(folder)
        operation = self._model.manifest.operations.get("denoise")
        if operation is None or operation.tiles is None:
            raise ValueError(
                f"{folder}: expected a denoiser of photographs of any size, received "
                f"{', '.join(self._model.manifest.operations)} of one size"
            )
        self._stride = operation.tiles.stride

    @property
    def manifest(self) -> Manifest:
        """What the model's folder says of it."""
        return self._model.manifest

    def __call__(self, pixels: Pixels, sigma: float | None = None) -> Pixels:
        """Return a denoised image (height, width, 3), rounded to 8 bit.

        sigma: the standard deviation of its noise on the scale of 0 to 255, None if not known.
        """
        height, width = pixels.shape[:2]
        beyond = [(0, -length % self._stride) for length in (height, width)]
        padded = np.pad(pixels, (*beyond, (0, 0)), mode="reflect")
        images = padded[None].astype(np.float32) / np.float32(self.manifest.pixels.scale)
        denoised = self._model.infer("denoise", images, sigma=sigma)[0, :height, :width]
        rounded: Pixels = np.rint(np.clip(denoised, 0, 1) * np.float32(255)).astype(np.uint8)
        return rounded
