"""Dead leaves: synthetic images of occluding discs, for edges and plain areas without end.

Scale-invariant occlusion has the statistics of natural images (Lee, Mumford and Huang, 2001,
IJCV 41), and helps to train denoisers (Achddou, Gousseau and Ladjal, 2021, arXiv 2101.12143).
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from training.datasets.photos import Pixels

SIZE = 768
EXPONENT = 3.0
"""Of the density of radii, r ** -3, which makes the image scale-invariant."""


def dead_leaves(palette: Sequence[Pixels], *, seed: int, size: int = SIZE) -> Pixels:
    """Return an image uint8 (size, size, 3) of shaded discs and polygons over each other.

    Half of all images have large leaves only, and so plain areas and gradients.

    Args:
        palette: Photographs whose pixels give the colours.
        seed: Of everything that is drawn.
        size: Height and width in pixels.
    """
    random = np.random.default_rng(seed)
    photo = palette[int(random.integers(len(palette)))]
    least = random.choice((2.0, 4.0, 8.0, 40.0, 80.0, 120.0)) if random.random() < 0.9 else 200.0
    most = max(least * 2, size / 2)
    # Twice as large, then halved, so that edges are smooth.
    image = Image.new("RGB", (2 * size, 2 * size))
    draw = ImageDraw.Draw(image)
    count = int(min(6000, 6 * (size / least) ** 1.6)) + 20
    share = random.random(count)
    power = 1 - EXPONENT
    radii = (most**power + share * (least**power - most**power)) ** (1 / power)
    order = np.concatenate([np.sort(radii)[::-1][: count // 8], radii])  # no hole in the ground
    for radius in order:
        x, y = random.random(2) * 2 * size
        colour = tuple(
            int(each)
            for each in photo[random.integers(photo.shape[0]), random.integers(photo.shape[1])]
        )
        reach = 2 * radius
        if random.random() < 0.6:
            wide, high = reach * random.uniform(0.4, 1, 2)
            draw.ellipse((x - wide, y - high, x + wide, y + high), fill=colour)
        else:
            corners = np.sort(random.random(random.integers(3, 6))) * 2 * math.pi
            draw.polygon(
                [(x + reach * math.cos(a), y + reach * math.sin(a)) for a in corners], fill=colour
            )
    image = image.resize((size, size), Image.Resampling.BOX)
    if random.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 6)))
    shaded = np.asarray(image).astype(np.float32) * _shade(random, size)
    rounded: Pixels = np.clip(np.rint(shaded), 0, 255).astype(np.uint8)
    return rounded


def _shade(random: np.random.Generator, size: int) -> NDArray[np.float32]:
    """A smooth light (size, size, 1) around 1, as no wall is lit evenly."""
    grid = random.uniform(0.7, 1.15, (3, 3)).astype(np.float32)
    light: NDArray[np.float32] = np.asarray(
        Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC)
    )
    return light[:, :, np.newaxis]
