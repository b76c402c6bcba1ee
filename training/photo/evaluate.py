"""Measure a denoiser of photographs as it is served, and write the figures into its manifest."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from service.inference.loader import load
from service.inference.model import Model
from service.manifest import Manifest, Measurement
from training import card
from training.datasets.photos import Folder, Pixels, middle, open_image
from training.measurement import CLEAN, CORRUPTED, MODEL, WITH_SIGMA, measurement
from training.photo import classical
from training.photo.cases import Case, cases
from training.photo.classical import Restore
from training.scores import psnr, ssim

SIGMAS = (15.0, 25.0, 50.0)
CROP = 500


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
    without it, what was measured of these on the same images is kept. The manifest and the card in
    the folder are rewritten. Raises StartupError where the folder cannot be served,
    OperationNotOffered or ShapeMismatch where it denoises no photographs, ValueError where an image
    cannot be read.
    """
    model = load(folder)
    opened = [open_image(path) for path in images.paths]
    pixels = [middle(image, CROP) for image in opened] if crop else opened
    data = f"{len(images)} images of {images.root.resolve().name}"
    if crop:
        data += f", the middle {CROP} x {CROP} pixels of each"
    measured = list(_measure(model, pixels, data, sigmas, announce, compare=compare))
    earlier = () if compare else model.manifest.measurements
    measured += [
        each
        for each in earlier
        if each.data == data and each.method not in (CORRUPTED, MODEL, WITH_SIGMA)
    ]
    manifest = model.manifest.model_copy(update={"measurements": tuple(measured)})
    manifest.write(folder)
    card.write(manifest, folder)
    return manifest


def _measure(
    model: Model,
    images: list[Pixels],
    data: str,
    sigmas: Sequence[float],
    announce: Callable[[str], None],
    *,
    compare: bool,
) -> Iterator[Measurement]:
    for case in (Case(CLEAN, images, images, [0.0] * len(images)), *cases(images, sigmas)):
        others = classical.prepare(case, announce) if compare and case.condition != CLEAN else ()
        for method, restore in (*_own(model, case), *others):
            restored = _restored(case, restore, f"{case.condition}, {method}")
            fidelity, likeness = psnr(restored, case.clean), ssim(restored, case.clean)
            announce(f"{case.condition}: {method}: {fidelity:.2f} dB, SSIM {likeness:.4f}")
            yield measurement("psnr", data, case.condition, method, fidelity)
            yield measurement("ssim", data, case.condition, method, likeness)


def _own(model: Model, case: Case) -> Iterator[tuple[str, Restore]]:
    """What is measured of the model itself, of clean images too."""
    yield MODEL, lambda noisy, _: model.photographs().denoise_now(noisy).output
    if case.condition != CLEAN:
        yield CORRUPTED, lambda noisy, _: noisy
        yield (
            WITH_SIGMA,
            lambda noisy, sigma: model.photographs().denoise_now(noisy, sigma=sigma).output,
        )


def _restored(case: Case, restore: Restore, name: str) -> list[Pixels]:
    pairs = zip(tqdm(case.noisy, name, disable=None, leave=False), case.sigma, strict=True)
    return [restore(noisy, sigma) for noisy, sigma in pairs]
