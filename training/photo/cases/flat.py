"""Plain gray with strong noise, where every error that a denoiser leaves is seen."""

import numpy as np

from training.photo.cases.case import Case
from training.photo.cases.white import white

LEVEL, SIGMA = 128, 50.0
SIDE, NUMBER = 512, 4
DATA = f"{NUMBER} flat gray images of {SIDE} x {SIDE} pixels"


def case(side: int = SIDE, number: int = NUMBER) -> Case:
    """Return gray images of side x side pixels with white noise."""
    clean = [np.full((side, side, 3), LEVEL, np.uint8)] * number
    noisy = [white(image, SIGMA, index=index) for index, image in enumerate(clean)]
    return Case(f"white noise of sigma {SIGMA:g}", clean, noisy, [SIGMA] * number)
