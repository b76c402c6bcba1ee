"""Samples of decoded pictures, upright, with no other copy of the whole."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.images.exif import as_stored
from service.images.photograph import Samples
from service.images.strips import blocks

PIXEL = 4
"""Bytes, at most, that Pillow has of a pixel."""
STRIP = 1 << 18
"""Bytes that are copied at a time: all at once, Pillow would hold a picture three times."""


def samples_of(picture: Image.Image, orientation: int) -> Samples:
    """Return the samples (height, width, bands) of a decoded picture, made upright."""
    kind = np.uint16 if picture.mode == "I;16" else np.uint8
    samples: Samples = room(picture.size, orientation, len(picture.getbands()), kind)
    fill(picture, as_stored(samples, orientation))
    return samples


def room(size: tuple[int, int], orientation: int, bands: int, kind: type[np.generic]) -> Any:
    """Return room for the upright samples of a picture that is stored with (width, height)."""
    width, height = size if orientation <= 4 else size[::-1]
    return np.empty((height, width, bands), kind)


def fill(picture: Image.Image, stored: NDArray[Any]) -> None:
    """Copy a decoded picture into an array (height, width, bands), in any order in memory.

    Four bands of 8 bits fill two of 16, with the high byte first.
    """
    for rows, columns in blocks(picture.height, picture.width, PIXEL, STRIP):
        strip = np.asarray(picture.crop((columns.start, rows.start, columns.stop, rows.stop)))
        if stored.itemsize > strip.itemsize:
            strip = strip.view(">u2")
        into = stored[rows, columns]
        into[:] = strip.reshape(into.shape)
