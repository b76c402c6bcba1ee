"""Input photographs: from a folder or synthetic, of any size, with or without noise."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.images.decode import read

Pixels = NDArray[Any]
"""(height, width, 3), uint8 or uint16."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
COUNT = 3
"""Photographs that are used of a folder: its largest."""
ASPECT = 1.5
MADE = (768, 1152)
"""Height and width of those that are made up."""
SIGMA = 10.0
"""Standard deviation of the noise, on the scale of 0 to 255: what a telephone makes indoors."""


def found(folder: Path | None) -> list[Pixels]:
    """Return the largest photographs in a folder and its folders, or made up ones without it.

    In colour, upright, 8 bits. Raises FileNotFoundError where there are none.
    """
    if folder is None:
        return [made_up(seed) for seed in range(COUNT)]
    paths = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES]
    if not paths:
        raise FileNotFoundError(f"{folder}: expected {', '.join(SUFFIXES)} files, received none")
    largest = sorted(paths, key=lambda path: (-_area(path), path.name))[:COUNT]
    return [_colours(path) for path in largest]


def sized(pixels: Pixels, megapixels: float) -> Pixels:
    """Return a photograph three wide and two high, of at most so many pixels.

    The middle is cut out of a larger one; a smaller one is mirrored until it is large enough.
    """
    width = math.floor(math.sqrt(1e6 * megapixels * ASPECT))
    wanted = math.floor(1e6 * megapixels / width), width
    cut = tuple(
        slice(max(0, has - need) // 2, max(0, has - need) // 2 + min(has, need))
        for has, need in zip(pixels.shape, wanted, strict=False)
    )
    part = pixels[cut]
    beyond = [(0, need - has) for has, need in zip(part.shape, wanted, strict=False)]
    return np.pad(part, [*beyond, (0, 0)], "symmetric")


def noisy(pixels: Pixels, *, seed: int = 0, depth: int = 8) -> Pixels:
    """Return 8-bit pixels with white Gaussian noise of SIGMA, clipped, rounded to 8 or 16 bits."""
    kind, factor = (np.uint8, 1) if depth == 8 else (np.uint16, 257)
    random, result = np.random.default_rng(seed), np.empty(pixels.shape, kind)
    for row, into in zip(pixels, result, strict=True):
        noise = random.standard_normal(row.shape, np.float32)
        into[:] = np.rint(np.clip(row + np.float32(SIGMA) * noise, 0, 255) * factor)
    return result


def as_file(pixels: Pixels, kind: str) -> bytes:
    """Return 8-bit pixels as Pillow writes them to PNG (level 6), JPEG or WebP (quality 90)."""
    stream = io.BytesIO()
    settings = {"compress_level": 6} if kind == "PNG" else {"quality": 90}
    Image.fromarray(pixels).save(stream, kind, **settings)
    return stream.getvalue()


def made_up(seed: int) -> Pixels:
    """Return what has a photograph's statistics and shows nothing.

    Details are the weaker the finer they are, and most of them gray; edges come from two such
    pictures, of which now the one is seen and now the other. As PNG it takes 1.2 bytes a pixel,
    2.2 with the noise: as much as photographs do.
    """
    random = np.random.default_rng(seed)
    one, other, mask = (_fractal(random) for _ in range(3))
    values = np.where(mask[..., :1] > 0, one - 0.3, other + 0.3)
    scaled = np.rint(128 + 55 * values / values.std())
    pixels: Pixels = np.clip(scaled, 0, 255).astype(np.uint8)
    return pixels


def _fractal(random: np.random.Generator) -> NDArray[np.float32]:
    height, width = MADE
    total = np.zeros((*MADE, 3), np.float32)
    for octave in range(1, 10):
        cells = 2**octave
        coarse = random.standard_normal((cells, cells * 3 // 2, 3), np.float32)
        coarse = coarse.mean(axis=-1, keepdims=True) + 0.2 * coarse
        for band in range(3):
            plane = Image.fromarray(coarse[..., band]).resize(
                (width, height), Image.Resampling.BICUBIC
            )
            total[..., band] += np.asarray(plane) / np.float32(cells**0.6)
    total /= total.std()
    return total


def _area(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.width * picture.height


def _colours(path: Path) -> Pixels:
    photograph = read(path.read_bytes(), max_pixels=1 << 30)
    pixels: Pixels = photograph.pixels
    if pixels.itemsize > 1:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.stack([pixels] * 3, axis=-1)
    return np.ascontiguousarray(pixels)


def megapixels(pictures: Sequence[Pixels]) -> float:
    """Return how many megapixels pictures have in all."""
    return float(sum(each.shape[0] * each.shape[1] for each in pictures) / 1e6)
