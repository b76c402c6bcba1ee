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
SUBSAMPLINGS = ((1, 1), (2, 1), (2, 2))
"""Pixels across and down that share a colour, by Pillow's number: 4:4:4, 4:2:2, 4:2:0."""
CB, CR = np.array(
    [[[-0.168736, -0.331264, 0.5], [0, -0.344136, 1.772]],
     [[0.5, -0.418688, -0.081312], [1.402, -0.714136, 0]]],
    np.float32,
)  # fmt: skip
"""What red, green and blue add to each, and what each adds to them (JFIF, ITU-T T.871)."""


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

    def read_back(self, pixels: Bytes) -> Bytes:
        """Return pixels (height, width, 3) as they are read of the file."""
        buffer = io.BytesIO()
        image = Image.fromarray(np.roll(pixels, self.shift, (0, 1)))
        image.save(buffer, "JPEG", subsampling=self.subsampling, **self.options)
        return np.roll(np.asarray(Image.open(buffer)), self._back, (0, 1))

    def with_subsampled_chroma(self, patch: Floats) -> Floats:
        """Return a patch (height, width, 3) in [0, 1] with the chroma subsampling of the file."""
        if self.subsampling == 0:
            return patch
        across, down = SUBSAMPLINGS[self.subsampling]
        shifted = np.roll(patch, self.shift, (0, 1))
        missing = (-shifted.shape[0] % down, -shifted.shape[1] % across)
        shifted = np.pad(shifted, ((0, missing[0]), (0, missing[1]), (0, 0)), "edge")
        height, width, _ = shifted.shape
        kept = shifted.copy()
        for shares, added in (CB, CR):
            colour = (shifted @ shares)[..., None]
            coarse = resized(colour, (height // down, width // across), Image.Resampling.BOX)
            # libjpeg interpolates linearly in both directions, and clips.
            kept += (resized(coarse, (height, width), Image.Resampling.BILINEAR) - colour) * added
        kept = np.clip(kept, 0, 1)[: patch.shape[0], : patch.shape[1]]
        return np.roll(kept, self._back, (0, 1))

    @property
    def _back(self) -> tuple[int, int]:
        return -self.shift[0], -self.shift[1]


@dataclass(frozen=True)
class Compression:
    """How a photograph was written as JPEG: into one file after the other."""

    files: tuple[Writing, ...]

    def read_back(self, noisy: Floats) -> Floats:
        """Return a patch (height, width, 3) in [0, 1] as it is read of the last file."""
        pixels = to_bytes(noisy)
        for each in self.files:
            pixels = each.read_back(pixels)
        return to_floats(pixels)

    def with_subsampled_chroma(self, clean: Floats) -> Floats:
        """Return a patch (height, width, 3) in [0, 1] with the chroma subsampling of all files.

        Chroma lost to subsampling is not noise: every photograph of a scene loses it, and no
        denoiser restores it.
        """
        for each in self.files:
            clean = each.with_subsampled_chroma(clean)
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
