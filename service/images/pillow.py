"""Pillow below its file readers: compressed streams to images, images to upright samples.

Pillow's own readers of PNG and JPEG refuse a file for damaged metadata and accept one whose pixels
end early. PixelDecoder uses only the decoders below them. Streams and samples are converted some at
a time, without another copy of the whole.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL import _imaging as core

from service.errors import MalformedBody
from service.images.photograph import Samples

BLOCK = 1 << 16
"""Bytes that a decoder gets at a time."""
PIXEL = 4
"""Bytes, at most, that Pillow has of a pixel."""
OUT_OF_MEMORY = -9
"""What a decoder says where it finds no memory: IMAGING_CODEC_MEMORY."""
STRIP = 1 << 18
"""Bytes that are copied at a time: all at once, Pillow would hold an image three times."""


class PixelDecoder:
    """A decoder that fills an image from a stream of blocks."""

    def __init__(self, name: str, image: Image.Image, *args: object) -> None:
        """Start to decode.

        Args:
            name: `zip` for a PNG's zlib stream, `jpeg` for a whole JPEG file.
            image: Where the pixels go.
            args: The raw mode, and what else the decoder takes.
        """
        self._decoder: Any = getattr(core, f"{name}_decoder")(image.mode, *args)
        self._decoder.setimage(image.im, (0, 0, *image.size))
        self._pending = b""

    def feed(self, block: bytes) -> bool:
        """Decode a block and return whether the image is complete.

        Raises:
            MalformedBody: The stream is damaged.
            MemoryError: There is no memory to decode it.
        """
        data = self._pending + block
        consumed, error = self._decoder.decode(data)
        if consumed < 0:
            if error == OUT_OF_MEMORY:
                raise MemoryError
            if error:
                raise MalformedBody("picture: expected a whole picture, received a damaged one")
            return True
        self._pending = data[consumed:]
        return False

    @property
    def pending(self) -> int:
        """Bytes that the decoder was given and cannot use before it has more."""
        return len(self._pending)

    def close(self) -> None:
        """Free the decoder's memory."""
        self._decoder.cleanup()


class Truncated(MalformedBody):
    """The pixels of a file end early."""

    def __init__(self) -> None:
        super().__init__("picture: expected a whole picture, received a truncated one")


def blocks_of(parts: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Yield parts of memory in blocks of at most BLOCK bytes."""
    for part in parts:
        for at in range(0, len(part), BLOCK):
            yield bytes(part[at : at + BLOCK])


def samples_of(image: Image.Image, orientation: int) -> Samples:
    """Return the samples (height, width, bands) of a decoded image, made upright.

    Args:
        image: Of 8 bits a sample, or of mode I;16.
        orientation: The EXIF orientation, 1 to 8.
    """
    kind = np.uint16 if image.mode == "I;16" else np.uint8
    samples: Samples = room(image.size, orientation, len(image.getbands()), kind)
    fill(image, as_stored(samples, orientation))
    return samples


def split(samples: Samples) -> tuple[Samples, Samples | None]:
    """Return pixels (height, width) or (height, width, 3), and alpha (height, width) or None."""
    bands = samples.shape[2]
    pixels = samples[..., 0] if bands < 3 else samples[..., :3]
    return pixels, None if bands % 2 else samples[..., -1]


def as_stored(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return a view of an upright picture with the rows and columns of the stored one.

    Args:
        upright: Pixels (height, width, ...).
        orientation: The EXIF orientation of the stored picture, 1 to 8.
    """
    match orientation:
        case 2:
            return upright[:, ::-1]
        case 3:
            return upright[::-1, ::-1]
        case 4:
            return upright[::-1]
        case 5:
            return upright.swapaxes(0, 1)
        case 6:
            return np.rot90(upright, 1)
        case 7:
            return upright[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return np.rot90(upright, -1)
    return upright


def room(size: tuple[int, int], orientation: int, bands: int, kind: type[np.generic]) -> Any:
    """Return an array for the upright samples of an image that is stored as (width, height)."""
    width, height = size if orientation <= 4 else size[::-1]
    return np.empty((height, width, bands), kind)


def fill(image: Image.Image, stored: NDArray[Any]) -> None:
    """Copy a decoded image into an array (height, width, bands) of any memory layout.

    Four bands of 8 bits fill two of 16 bits, high byte first.
    """
    height, width = image.height, image.width
    for rows, columns in blocks(height, width, PIXEL, STRIP):
        box = (columns.start, rows.start, columns.stop, rows.stop)
        strip = np.asarray(image if box == (0, 0, width, height) else image.crop(box))
        if stored.itemsize > strip.itemsize:
            strip = strip.view(">u2")
        into = stored[rows, columns]
        into[:] = strip.reshape(into.shape)


def blocks(height: int, width: int, pixel: int, most: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns of the parts of a picture, in the order of its pixels.

    A part has as many whole rows as fit, or else as many pixels of one row.

    Args:
        height: Of the picture, in pixels.
        width: Of the picture, in pixels.
        pixel: Bytes of a pixel.
        most: Bytes of a part.
    """
    across = min(width, max(1, most // pixel))
    down = max(1, most // (across * pixel))
    for top in range(0, height, down):
        for left in range(0, width, across):
            yield (
                slice(top, min(top + down, height)),
                slice(left, min(left + across, width)),
            )
