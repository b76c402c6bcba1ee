"""Heat maps: numbers of pixels as a picture, from black for 0 over red to white for the largest."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

BLACK, MIDDLE, WHITE = "black", "#e04010", "#fff8d0"


def heat(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return (height, width) of numbers from 0 on as pixels (height, width, 3).

    The largest of them is white, whatever it is; NaN is black.
    """
    known = np.nan_to_num(values)
    largest = known.max()
    shares = known / largest if largest > 0 else known
    gray = Image.fromarray(np.rint(255 * shares).astype(np.uint8))
    return np.asarray(ImageOps.colorize(gray, BLACK, WHITE, MIDDLE))
