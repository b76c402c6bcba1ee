"""Plain images: a colour that hardly changes, as walls, skies and out-of-focus areas have.

On them a denoiser learns to average as far as it sees; photographs chosen for their texture hold
few of them.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from training.datasets.photos import Pixels

STEEPEST = 60.0
"""How far the colours differ at most of which one image is interpolated, of 255."""


def plain(palette: Sequence[Pixels], *, seed: int, size: int) -> Pixels:
    """Return an image uint8 (size, size, 3) of one colour, which may change smoothly.

    A third is of one colour throughout.

    Args:
        palette: Photographs whose pixels give the colours.
        seed: Of everything that is drawn.
        size: Height and width in pixels.
    """
    random = np.random.default_rng(seed)
    photo = palette[int(random.integers(len(palette)))]
    colour = photo[random.integers(photo.shape[0]), random.integers(photo.shape[1])]
    steepness = random.uniform(0, STEEPEST) if random.random() < 2 / 3 else 0.0
    across = int(random.integers(2, 5))
    grid = colour + random.uniform(-steepness / 2, steepness / 2, (across, across, 3))
    channels = [
        np.asarray(Image.fromarray(channel).resize((size, size), Image.Resampling.BICUBIC))
        for channel in grid.astype(np.float32).transpose(2, 0, 1)
    ]
    rounded: Pixels = np.clip(np.rint(np.stack(channels, -1)), 0, 255).astype(np.uint8)
    return rounded
