"""Colours that are stored multiplied by their opacity (associated alpha)."""

import numpy as np
from numpy.typing import NDArray

from service.images.photograph import Samples
from service.images.pillow import STRIP, blocks


def divide(pixels: Samples, alpha: Samples) -> None:
    """Divide colours by opacity, in place, some at a time; what is above white becomes white.

    Args:
        pixels: (height, width) or (height, width, 3).
        alpha: (height, width) of the same type.
    """
    largest = int(np.iinfo(pixels.dtype).max)
    colours: NDArray[np.uint16] | NDArray[np.uint8]
    colours = pixels[..., None] if pixels.ndim == 2 else pixels
    height, width, bands = colours.shape
    for part in blocks(height, width, 8 * bands, 4 * STRIP):
        opacity = alpha[part][..., None].astype(np.uint32)
        scaled = colours[part].astype(np.uint64) * largest + opacity // 2
        np.minimum(scaled // np.maximum(opacity, 1), largest, out=scaled)
        colours[part] = scaled
