"""A denoiser on the test bench: it restores cases as the service does, in 8 bits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tqdm import tqdm

from service.inference.tiling.denoise import Denoised, Denoiser
from service.manifest import Measurement, Quantity
from training.datasets.photos import Pixels
from training.measurement import measurement
from training.photo.cases.case import Case
from training.photo.classical import Restore


@dataclass(frozen=True)
class Bench:
    """What is measured and where the figures go.

    Args:
        denoiser: Of a model that can be served.
        data: The images, in words.
        announce: Receives a line for each figure.
    """

    denoiser: Denoiser
    data: str
    announce: Callable[[str], None]

    def blind(self, case: Case) -> list[Denoised]:
        """Denoise the images of a case without a noise level."""
        noisy = _progress(case.noisy, f"{case.condition}, blind")
        return [self.denoiser.denoise_now(each) for each in noisy]

    def told(self, case: Case, sigma: float | None = None) -> list[Pixels]:
        """Denoise the images of a case with one noise level for all, by default the true ones."""
        return self.restore(case, self._told, sigma)

    def restore(self, case: Case, restore: Restore, sigma: float | None = None) -> list[Pixels]:
        """Restore the images of a case by a method that takes the noise level."""
        sigmas = case.sigma if sigma is None else [sigma] * len(case.noisy)
        noisy = _progress(case.noisy, case.condition)
        return [restore(*pair) for pair in zip(noisy, sigmas, strict=True)]

    def figure(self, quantity: Quantity, condition: str, method: str, value: float) -> Measurement:
        """Announce a figure and return it as the manifest has it."""
        figure = measurement(quantity, self.data, condition, method, value)
        unit = f" {figure.unit}" if figure.unit else ""
        self.announce(f"{self.data}: {condition}: {method}: {quantity} {value:.4f}{unit}")
        return figure

    def _told(self, noisy: Pixels, sigma: float) -> Pixels:
        output: Pixels = self.denoiser.denoise_now(noisy, sigma=sigma).output
        return output


def _progress(images: Iterable[Pixels], name: str) -> Iterable[Pixels]:
    shown: Iterable[Pixels] = tqdm(images, name, disable=None, leave=False)
    return shown
