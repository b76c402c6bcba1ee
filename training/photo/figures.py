"""Figures of the training noise of photographs, and of noisy photographs denoised."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from service.inference.model import Model
from training.datasets.photos import Folder, Pixels, middle, open_image
from training.photo import camera_simulation
from training.photo.cases.white import white
from training.photo.noise import mix
from training.photo.noise.types import to_bytes, to_floats
from training.scores import psnr

SIDE, GAP, LABEL = 144, 6, 18
COLUMNS = 5
SHOWN = 4
QUALITY = 85


def draw(images: Folder, model: Model | None, folder: Path) -> Iterator[Path]:
    """Draw the figures of photographs.

    Args:
        images: Clean photographs; the centres of a few, evenly spaced by name, are shown.
        model: The denoiser; without one, only the noise is drawn.
        folder: Where the figures are written.

    Yields:
        The path of each figure, once it is written.

    Raises:
        ValueError: A photograph is smaller than a crop.
    """
    folder.mkdir(parents=True, exist_ok=True)
    yield noises(_middles(images, COLUMNS), folder / "photo-noise.jpg")
    if model is not None:
        yield restored(_middles(images, SHOWN), model, folder / "photo-denoised.jpg")


def noises(crops: Sequence[Pixels], path: Path) -> Path:
    """Draw clean crops above a row of noisy ones for each kind of training noise."""
    rows = {"clean": list(crops)}
    for number, kind in enumerate(mix.MIX):
        rows[f"{kind.name}, {kind.share:.0%} of the patches"] = [
            _noisy(crop, kind, np.random.default_rng((number, index)))
            for index, crop in enumerate(crops)
        ]
    return _save(_sheet(rows), path)


def restored(crops: Sequence[Pixels], model: Model, path: Path) -> Path:
    """Draw crops with white and with camera noise: noisy, denoised and clean."""
    pairs = {
        "white noise, sigma 25": (
            [white(crop, 25, index=index) for index, crop in enumerate(crops)],
            list(crops),
        ),
        "camera noise, high ISO": (
            [
                camera_simulation.photograph(crop, camera_simulation.SENSITIVITIES[-1], index=index)
                for index, crop in enumerate(crops)
            ],
            [
                camera_simulation.photograph(crop, None, index=index)
                for index, crop in enumerate(crops)
            ],
        ),
    }
    rows = {}
    for name, (noisy, clean) in pairs.items():
        denoised = [model.photographs().denoise_now(image).output for image in noisy]
        rows[f"{name}: {psnr(noisy, clean):.1f} dB"] = noisy
        rows[f"denoised, blind: {psnr(denoised, clean):.1f} dB"] = denoised
        rows["without noise" if name.startswith("camera") else "original"] = clean
    return _save(_sheet(rows), path)


def _middles(images: Folder, number: int) -> list[Pixels]:
    """Return centre crops of photographs that are evenly spaced in the folder."""
    places = np.linspace(0, len(images) - 1, min(number, len(images))).astype(int)
    crops = [middle(open_image(images.paths[place]), SIDE) for place in places]
    for crop, place in zip(crops, places, strict=True):
        if min(crop.shape[:2]) < SIDE:
            raise ValueError(
                f"{images.paths[place]}: expected at least {SIDE} x {SIDE} pixels, received "
                f"{crop.shape[1]} x {crop.shape[0]}"
            )
    return crops


def _noisy(crop: Pixels, kind: mix.Kind, random: np.random.Generator) -> Pixels:
    return to_bytes(mix.sample_of(kind, to_floats(crop), random).noisy)


def _sheet(rows: dict[str, list[Pixels]]) -> Image.Image:
    """Return a contact sheet of images of one size, a label above each row."""
    columns = max(map(len, rows.values()))
    size = columns * (SIDE + GAP) + GAP, len(rows) * (SIDE + LABEL) + GAP
    sheet = Image.new("RGB", size, "white")
    canvas, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for row, (label, images) in enumerate(rows.items()):
        top = row * (SIDE + LABEL)
        canvas.text((GAP, top + 2), label, fill="#22313f", font=font)
        for column, image in enumerate(images):
            sheet.paste(Image.fromarray(image), (GAP + column * (SIDE + GAP), top + LABEL))
    return sheet


def _save(sheet: Image.Image, path: Path) -> Path:
    sheet.save(path, "JPEG", quality=QUALITY)
    return path
