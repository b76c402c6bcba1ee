"""Film grain: noise of the luminance alone, a little coarser than a pixel."""

from collections.abc import Sequence

from training.datasets.photos import Pixels
from training.photo.cases.case import Case
from training.photo.cases.grid import correlated

SIGMA, BLUR = 15.0, 0.7


def case(images: Sequence[Pixels]) -> Case:
    """Return images with grain that is the same in all channels."""
    noisy = [
        correlated(image, SIGMA, blur=BLUR, correlation=1.0, index=index)
        for index, image in enumerate(images)
    ]
    condition = f"film grain of sigma {SIGMA:g}, blur {BLUR:g}"
    return Case(condition, images, noisy, [SIGMA] * len(images))
