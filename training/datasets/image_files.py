"""Image files of any size and colour, fitted to one size: scaled, padded, cropped or tiled."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import ExifTags, Image

from service.images.fit import scaled
from training.datasets.description import Fit
from training.datasets.photos import UNREADABLE, Pixels, open_image

ImageFile = Path | BinaryIO
"""Where it is, or the file itself; errors have it as text."""
Size = tuple[int, int]
"""Width and height in pixels."""
Mode = Literal["L", "RGB"]
GRAY = frozenset({"1", "L", "LA", "I", "I;16", "F"})
"""Pillow's modes without colour."""
ON_ITS_SIDE = range(5, 9)
"""Values of EXIF's orientation of which width and height are swapped (EXIF 2.32, 4.6.4)."""


@dataclass(frozen=True)
class Header:
    """What a file says of its image, without being decoded.

    Args:
        size: Of the image, upright.
        is_gray: Whether it has no colour.
    """

    size: Size
    is_gray: bool


@dataclass(frozen=True)
class Frame:
    """What files become.

    Args:
        size: Of an item.
        mode: Pillow's mode of an item.
        fit: How an image comes to that size.
    """

    size: Size
    mode: Mode
    fit: Fit

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an item as an array."""
        width, height = self.size
        return (height, width) if self.mode == "L" else (height, width, 3)

    def count(self, size: Size) -> int:
        """Return how many items an image of a size becomes."""
        if self.fit != "tile":
            return 1
        return (size[0] // self.size[0]) * (size[1] // self.size[1])

    def items(self, path: ImageFile) -> Iterator[Pixels]:
        """Yield the items that a file becomes, each of the frame's shape.

        Raises:
            ValueError: The file cannot be decoded as an image.
        """
        image = Image.fromarray(open_image(path)).convert(self.mode)
        if self.fit == "tile":
            yield from self._tiles(np.asarray(image))
        else:
            yield np.asarray(scaled(image, self.size, self.fit))

    def _tiles(self, pixels: Pixels) -> Iterator[Pixels]:
        """Yield tiles, row by row; what is left at the right and at the bottom is dropped."""
        width, height = self.size
        for top in range(0, pixels.shape[0] - height + 1, height):
            for left in range(0, pixels.shape[1] - width + 1, width):
                yield pixels[top : top + height, left : left + width]


def header(path: ImageFile) -> Header:
    """Return what a file says of its image.

    Raises:
        ValueError: The file is no image.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            on_its_side = image.getexif().get(ExifTags.Base.Orientation) in ON_ITS_SIDE
            return Header((height, width) if on_its_side else (width, height), image.mode in GRAY)
    except UNREADABLE as error:
        raise ValueError(f"{path}: expected an image, received: {error}") from error
