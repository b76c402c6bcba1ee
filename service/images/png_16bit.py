"""PNG files with more than one sample of 16 bits, of which Pillow keeps the high 8 bits."""

import sys

import numpy as np
from PIL import ImageFile

from service.images.exif import as_stored
from service.images.formats import opened
from service.images.photograph import PNG, Samples
from service.images.samples import fill, room

PASSES = {2: ("RGB;16B", "RGB;16L"), 4: ("RGBA",), 6: ("RGBA;16B", "RGBA;16L")}
"""By colour type, as what the decoder is told to see the samples, once or twice.

16L are samples that begin with their low byte, so that the second one is taken: of a PNG's, which
begin with the high byte, the low one. Two samples of 16 bits are filtered as four of 8 bits are.
"""


def prepare(picture: ImageFile.ImageFile, colour_type: int, turn: int = 0) -> None:
    """Tell a picture that is not decoded yet how to be: in its first or second turn."""
    rawmode = PASSES[colour_type][turn]
    picture.tile = [
        tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
        for tile in picture.tile
    ]


def samples_of(
    picture: ImageFile.ImageFile, body: bytes | memoryview, colour_type: int, orientation: int
) -> Samples:
    """Return the samples (height, width, bands) of a picture decoded in its first turn, upright.

    What was decoded is given up for it, as a second turn takes as much again.
    """
    bands = 2 if colour_type == 4 else len(picture.getbands())
    samples: Samples = room(picture.size, orientation, bands, np.uint16)
    if len(PASSES[colour_type]) == 1:
        fill(picture, as_stored(samples, orientation))
        return samples
    low, high = (0, 1) if sys.byteorder == "little" else (1, 0)
    halves = samples[..., None].view(np.uint8)
    fill(picture, as_stored(halves[..., high], orientation))
    picture.close()
    again = opened(body, PNG, picture.width * picture.height)
    prepare(again, colour_type, turn=1)
    again.load()
    fill(again, as_stored(halves[..., low], orientation))
    return samples
