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
    """Measure an exported model and rewrite the manifest and the card in its folder.

    Figures are means over the images of PSNR in dB (for a peak of 255) and SSIM: of clean images,
    of white noise of each sigma and of camera noise, all of 8 bits, blind and with sigma.

    Args:
        folder: models/<name>/<version>/.
        images: Clean images.
        sigmas: Standard deviations of white noise, on the scale of 0 to 255.
        crop: Whether to measure only the middle 500 x 500 pixels of each image.
        compare: Whether to measure classical denoisers too; otherwise their earlier figures for
            the same images are kept.
        announce: Receives a line for each method and noise.

    Returns:
        The manifest with the figures.

    Raises:
        StartupError: The folder cannot be served.
        OperationNotOffered: The model denoises nothing.
        ShapeMismatch: The model takes no photographs.
        ValueError: An image cannot be read.
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
