"""PNG files with several 16-bit samples a pixel, of which Pillow's modes keep 8 bits."""

import sys
from collections.abc import Callable

import numpy as np
from PIL import Image

from service.images.photograph import Samples
from service.images.pillow import as_stored, fill, room
from service.images.png_chunks import CHANNELS, GRAY_ALPHA, RGB, RGB_ALPHA, Chunks

LAYOUTS = {
    GRAY_ALPHA: ("RGBA", "RGBA"),
    RGB: ("RGB", "RGB;16B", "RGB;16L"),
    RGB_ALPHA: ("RGBA", "RGBA;16B", "RGBA;16L"),
}
"""By colour type: Pillow's mode, then the raw modes to decode with.

16B keeps the first byte of each sample, 16L the second: a PNG's high byte and low byte. Gray and
alpha of 16 bits are decoded as four samples of 8 bits, which are filtered alike (PNG 9.2).
"""


def samples(
    chunks: Chunks, orientation: int, decode: Callable[[Chunks, str, str], Image.Image]
) -> Samples:
    """Return the upright samples (height, width, bands) as uint16.

    The first decoded image is freed before the second is made.

    Args:
        chunks: The file.
        orientation: The EXIF orientation, 1 to 8.
        decode: png_decoder.decode.
    """
    header = chunks.header
    mode, *layouts = LAYOUTS[header.colour_type]
    bands = CHANNELS[header.colour_type]
    values: Samples = room((header.width, header.height), orientation, bands, np.uint16)
    if len(layouts) == 1:
        fill(decode(chunks, mode, layouts[0]), as_stored(values, orientation))
        return values
    halves = values[..., None].view(np.uint8)
    if sys.byteorder == "little":
        halves = halves[..., ::-1]
    for half, layout in enumerate(layouts):
        fill(decode(chunks, mode, layout), as_stored(halves[..., half], orientation))
    return values
