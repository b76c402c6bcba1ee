"""Images as data URIs, small enough for many on a page."""

import base64
import io

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from training.pixel_noise import Floats

SMALL = 64
"""Pixels of a side up to which an image stays as it is, as PNG."""
LARGEST = 192
"""Pixels that a larger one is scaled to; it is then compressed as WebP."""
QUALITY = 85
SHOWN = 90
"""Pixels of a page of the longer side of an image, at most; screens may have more for each."""


def uri(image: Floats) -> str:
    """Return an image (height, width) or (height, width, 3) in [0, 1] as a data URI."""
    return _uri(Image.fromarray(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)))


def heat(errors: NDArray[np.floating], highest: float) -> str:
    """Return a heat map (height, width) of errors as a data URI, dark for none."""
    levels = np.rint(np.clip(errors / max(highest, 1e-12), 0, 1) * 255).astype(np.uint8)
    picture = Image.fromarray(levels)
    colours = colormaps["inferno"](np.arange(256))[:, :3]
    picture.putpalette((colours * 255).astype(np.uint8).tobytes())
    return _uri(picture)


def _uri(picture: Image.Image) -> str:
    written = io.BytesIO()
    if max(picture.size) <= SMALL:
        picture.save(written, "PNG", optimize=True)
        kind = "png"
    else:
        picture = picture.convert("RGB")
        picture.thumbnail((LARGEST, LARGEST))
        picture.save(written, "WEBP", quality=QUALITY)
        kind = "webp"
    return f"data:image/{kind};base64,{base64.b64encode(written.getvalue()).decode()}"


def is_small(size: tuple[int, ...]) -> bool:
    """Return whether an image of a height and width is shown pixel by pixel."""
    return max(size) <= SMALL


def shown_width(size: tuple[int, ...]) -> int:
    """Return how wide an image of a height and width is shown, in pixels of a page.

    Small ones grow by a whole factor, so that their pixels are squares of one size.
    """
    height, width = size
    side = max(height, width)
    return width * (SHOWN // side) if side <= SMALL else max(1, width * SHOWN // side)
