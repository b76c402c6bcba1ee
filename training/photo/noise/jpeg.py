"""JPEG as cameras, phones and editors write it: many qualities, tables, once and twice."""

import io
from typing import Any

import numpy as np
from PIL import Image

from training.photo.noise.types import Bytes, Floats, to_bytes, to_floats

LOWEST, HIGHEST = 10, 98
FLATTEST = 0.7
"""How far the tables of cameras are at most from the standard's to one number for all."""
TWICE = 0.15


def jpeg(noisy: Floats, random: np.random.Generator) -> Floats:
    """Write and read a patch as JPEG, 15 % of all patches twice on different grids."""
    pixels = to_bytes(noisy)
    if random.random() < TWICE:
        shift = tuple(random.integers(0, 8, 2))
        pixels = np.roll(pixels, shift, (0, 1))
        pixels = np.roll(_written(pixels, random), (-shift[0], -shift[1]), (0, 1))
    return to_floats(_written(pixels, random))


def _written(pixels: Bytes, random: np.random.Generator) -> Bytes:
    options: dict[str, Any] = {"subsampling": int(random.choice((0, 1, 2), p=(0.4, 0.1, 0.5)))}
    # Most photographs are of high quality; thumbnails and messengers go down to the lowest.
    quality = HIGHEST - (HIGHEST - LOWEST) * random.random() ** 1.5
    if random.random() < 0.4:
        options["qtables"] = _tables(quality, random)
    else:
        options["quality"] = round(quality)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return np.asarray(Image.open(buffer))


def _tables(quality: float, random: np.random.Generator) -> list[list[int]]:
    """Tables of a quality between the standard's (ITU-T T.81, annex K) and flat ones."""
    scale = 50 / quality if quality < 50 else 2 - quality / 50
    flat = random.uniform(0, FLATTEST)
    return [
        np.clip(np.rint(scale * (table + flat * (table.mean() / 2 - table))), 1, 255)
        .astype(int)
        .tolist()
        for table in _standard()
    ]


def _standard() -> list[np.ndarray[Any, Any]]:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=50)
    with Image.open(buffer) as image:
        found = image.quantization  # type: ignore[attr-defined]
    return [np.array(found[index], float) for index in (0, 1)]
