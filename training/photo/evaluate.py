"""Measure a denoiser of photographs as it is served, and write the figures into its manifest."""

from collections.abc import Callable, Sequence
from pathlib import Path

from service.inference.loader import load
from service.manifest import Manifest, Measurement
from training import card
from training.datasets.photos import Folder, middle, open_image
from training.photo import comparisons
from training.photo.cases.white import SIGMAS
from training.photo.parts import PARTS, Images, Subject

CROP = 500


def evaluate(
    folder: Path,
    images: Folder,
    *,
    validation: Folder | None = None,
    cameras: Folder | None = None,
    parts: Sequence[str] | None = None,
    sigmas: Sequence[float] = SIGMAS,
    crop: bool = False,
    compare: bool = True,
    announce: Callable[[str], None] = print,
) -> Manifest:
    """Measure an exported model and rewrite the manifest and the card in its folder.

    Images and results have 8 bits; training.photo.parts lists what is measured.

    Args:
        folder: models/<name>/<version>/.
        images: Clean images.
        validation: Further clean images, for the parts that settings may be chosen with.
        cameras: Pairs of photographs, NAME_real.* and NAME_mean.*.
        parts: Names of the parts to measure, by default all. Where they are chosen, the earlier
            figures of what is not measured again are kept.
        sigmas: Standard deviations of white noise, on the scale of 0 to 255.
        crop: Whether to measure only the middle 500 x 500 pixels of each clean image.
        compare: Whether to measure classical denoisers too; otherwise their earlier figures for
            the same noisy images are kept, also those of versions before this one.
        announce: Receives a line for each figure.

    Returns:
        The manifest with the figures.

    Raises:
        StartupError: The folder cannot be served.
        OperationNotOffered: The model denoises nothing.
        ShapeMismatch: The model takes no photographs.
        ValueError: A part is unknown or has nothing to be measured on, a pair is incomplete, or an
            image cannot be read.
    """
    chosen = _chosen(parts, validation, cameras)
    model = load(folder)
    subject = Subject(
        denoiser=model.photographs(),
        images=_open(images, crop=crop),
        validation=_open(validation, crop=crop) if validation else None,
        cameras=cameras,
        sigmas=sigmas,
        compare=compare,
        announce=announce,
    )
    measured = [figure for name in chosen for figure in PARTS[name](subject)]
    kept = model.manifest.measurements if parts is not None else ()
    others = [] if compare else comparisons.earlier(folder, measured)
    figures = {_identity(each): each for each in (*kept, *measured, *others)}
    manifest = model.manifest.model_copy(update={"measurements": tuple(figures.values())})
    manifest.write(folder)
    card.write(manifest, folder)
    return manifest


def _chosen(
    parts: Sequence[str] | None, validation: Folder | None, cameras: Folder | None
) -> Sequence[str]:
    """The parts to measure, by default all that there are images for."""
    lacking = {
        name: f"{flag} with {name}: expected a folder of photographs, received none"
        for name, flag, given in (
            ("grid", "--validation", validation),
            ("pairs", "--cameras", cameras),
        )
        if given is None
    }
    if parts is None:
        return [name for name in PARTS if name not in lacking]
    for name in parts:
        if name not in PARTS:
            raise ValueError(f"parts: expected some of {', '.join(PARTS)}, received {name}")
        if name in lacking:
            raise ValueError(lacking[name])
    return parts


def _open(images: Folder, *, crop: bool) -> Images:
    opened = [open_image(path) for path in images.paths]
    data = f"{len(images)} images of {images.root.resolve().name}"
    if not crop:
        return Images(data, opened)
    pixels = [middle(image, CROP) for image in opened]
    return Images(f"{data}, the middle {CROP} x {CROP} pixels of each", pixels)


def _identity(figure: Measurement) -> tuple[str, ...]:
    return figure.quantity, figure.data, figure.condition, figure.method
