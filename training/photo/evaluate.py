"""Measure a denoiser of photographs as it is served, and write the figures into its manifest."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from service.manifest import Manifest, Measurement
from training import card
from training.datasets.photos import Folder, Pixels, open_image
from training.photo import classical
from training.photo.cases import Case, cases
from training.photo.denoiser import Denoiser
from training.photo.scores import psnr, ssim
from training.photo.validation import middle

Quantity = Literal["psnr", "ssim"]
SIGMAS = (15.0, 25.0, 50.0)
CROP = 500
CLEAN, CORRUPTED = "clean", "corrupted input"
BLIND, TOLD = "model", "model, told sigma"
OWN = (CORRUPTED, BLIND, TOLD)


def evaluate(
    folder: Path,
    images: Folder,
    *,
    sigmas: Sequence[float] = SIGMAS,
    crop: bool = False,
    compare: bool = True,
    announce: Callable[[str], None] = print,
) -> Manifest:
    """Measure the model of a folder models/<name>/<version>/; return its manifest with the figures.

    Figures are means over the images, whole or with crop their middle 500 x 500 pixels: PSNR in dB
    of each (for a peak of 255) and SSIM, of clean images, of white noise of each sigma and of
    camera noise, all 8 bit, blind and told sigma. compare: beside the denoisers without learning;
    without it, what was measured of these before is kept. The manifest and the card in the folder
    are rewritten. Raises StartupError where the folder cannot be served, ValueError where it
    denoises no photographs or an image cannot be read.
    """
    denoiser = Denoiser(folder)
    opened = [open_image(path) for path in images.paths]
    pixels = [middle(image, CROP) for image in opened] if crop else opened
    data = f"{len(images)} images of {images.root.resolve().name}"
    measured = list(_measure(denoiser, pixels, data, sigmas, announce, compare=compare))
    earlier = () if compare else denoiser.manifest.measurements
    measured += [each for each in earlier if each.method not in OWN]
    manifest = denoiser.manifest.model_copy(update={"measurements": tuple(measured)})
    manifest.write(folder)
    card.write(manifest, folder)
    return manifest


def _measure(
    denoiser: Denoiser,
    images: list[Pixels],
    data: str,
    sigmas: Sequence[float],
    announce: Callable[[str], None],
    *,
    compare: bool,
) -> Iterator[Measurement]:
    for case in (Case(CLEAN, images, images, [0.0] * len(images)), *cases(images, sigmas)):
        methods: list[tuple[str, classical.Restore]] = [(BLIND, lambda noisy, _: denoiser(noisy))]
        if case.condition != CLEAN:
            methods += [(CORRUPTED, lambda noisy, _: noisy), (TOLD, denoiser)]
            methods += classical.prepare(case, announce) if compare else ()
        for method, restore in methods:
            restored = _restored(case, restore, f"{case.condition}, {method}")
            scores: dict[Quantity, float] = {
                "psnr": psnr(restored, case.clean),
                "ssim": ssim(restored, case.clean),
            }
            for quantity, value in scores.items():
                announce(f"{case.condition}: {method}: {quantity} {value:.3f}")
                yield _measurement(quantity, data, case.condition, method, value)


def _restored(case: Case, restore: classical.Restore, name: str) -> list[Pixels]:
    pairs = zip(tqdm(case.noisy, name, disable=None, leave=False), case.sigma, strict=True)
    return [restore(noisy, sigma) for noisy, sigma in pairs]


def _measurement(
    quantity: Quantity, data: str, condition: str, method: str, value: float
) -> Measurement:
    return Measurement(
        quantity=quantity,
        data=data,
        condition=condition,
        method=method,
        value=round(value, 6),
        unit="dB" if quantity == "psnr" else "",
    )
