"""JPEG as cameras, phones and editors write it: many qualities, tables, once and twice."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from training.photo.noise.resampling import resized
from training.photo.noise.types import Bytes, Floats, to_bytes, to_floats

LOWEST, HIGHEST = 10, 98
FLATTEST = 0.7
"""How far the tables of cameras are at most from the standard's to one number for all."""
TWICE = 0.15
SUBSAMPLINGS = ((1, 1), (1, 2), (2, 2))
"""Pixels in height and width that share a colour, by Pillow's number: 4:4:4, 4:2:2, 4:2:0."""
BLUE, RED = np.array(
    [[[-0.168736, -0.331264, 0.5], [0, -0.344136, 1.772]],
     [[0.5, -0.418688, -0.081312], [1.402, -0.714136, 0]]],
    np.float32,
)  # fmt: skip
"""Of Cb and Cr: its share of each of red, green and blue, and what it adds to them (JFIF, ITU-T
T.871)."""


@dataclass(frozen=True)
class Writing:
    """A file that a photograph is written to.

    Args:
        shift: Of the photograph on the grid of blocks, in pixels.
        subsampling: Pillow's number.
        options: Of Pillow, for the quality.
    """

    shift: tuple[int, int]
    subsampling: int
    options: dict[str, Any]

    def of(self, pixels: Bytes) -> Bytes:
        """Return what is read of it."""
        buffer = io.BytesIO()
        image = Image.fromarray(np.roll(pixels, self.shift, (0, 1)))
        image.save(buffer, "JPEG", subsampling=self.subsampling, **self.options)
        return np.roll(np.asarray(Image.open(buffer)), self._back, (0, 1))

    def finest(self, patch: Floats) -> Floats:
        """Return a patch (height, width, 3) with the resolution of colour that the file keeps."""
        height, width = SUBSAMPLINGS[self.subsampling]
        if height == width == 1:
            return patch
        shifted = np.roll(patch, self.shift, (0, 1))
        size = shifted.shape[0], shifted.shape[1]
        small = -(-size[0] // height), -(-size[1] // width)
        result = shifted.copy()
        for shares, added in (BLUE, RED):
            colour = (shifted @ shares)[..., None]
            coarse = resized(colour, small, Image.Resampling.BOX)
            # libjpeg interpolates colours along a line when it reads them
            result += (resized(coarse, size, Image.Resampling.BILINEAR) - colour) * added
        return np.roll(result, self._back, (0, 1))

    @property
    def _back(self) -> tuple[int, int]:
        return -self.shift[0], -self.shift[1]


@dataclass(frozen=True)
class Compression:
    """How a photograph was written as JPEG: into one file after the other."""

    files: tuple[Writing, ...]

    def of(self, noisy: Floats) -> Floats:
        """Write and read a patch (height, width, 3) in [0, 1]."""
        pixels = to_bytes(noisy)
        for each in self.files:
            pixels = each.of(pixels)
        return to_floats(pixels)

    def finest(self, clean: Floats) -> Floats:
        """Return a patch with the resolution of colour that it keeps.

        What it does not keep is no noise: it is lost in every photograph of a scene, and not to
        be restored.
        """
        for each in self.files:
            clean = each.finest(clean)
        return clean


def compression(random: np.random.Generator) -> Compression:
    """Return a random way to write JPEG, 15 % of them twice on different grids."""
    shifts = [(0, 0)]
    if random.random() < TWICE:
        shifts.insert(0, tuple(random.integers(0, 8, 2).tolist()))
    return Compression(tuple(_writing(shift, random) for shift in shifts))


def _writing(shift: tuple[int, int], random: np.random.Generator) -> Writing:
    subsampling = int(random.choice((0, 1, 2), p=(0.4, 0.1, 0.5)))
    # Most photographs are of high quality; thumbnails and messengers go down to the lowest.
    quality = HIGHEST - (HIGHEST - LOWEST) * random.random() ** 1.5
    if random.random() < 0.4:
        return Writing(shift, subsampling, {"qtables": _tables(quality, random)})
    return Writing(shift, subsampling, {"quality": round(quality)})


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
