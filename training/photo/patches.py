"""Patches of photographs, at random places, scales and turns."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.datasets.photos import Pixels
from training.photo.noise.types import Floats, to_floats

SMALLEST_SCALE, LARGEST_SCALE = 1 / 3, 2.0
SYNTHETIC = 0.12
"""Share of the patches that is cut from synthetic images."""
SHRUNK = 0.75
"""Share of the photographs made smaller of which several crops are taken."""


def odds(arrays: list[Pixels], synthetic: int) -> NDArray[np.float64]:
    """Return how likely a patch is of each photograph, 1 in all.

    In proportion to the side: neither many small photographs nor a few large ones prevail.

    Args:
        arrays: The photographs.
        synthetic: How many of them, at the end, are synthetic.
    """
    sides = np.sqrt([float(array.shape[0] * array.shape[1]) for array in arrays])
    real = len(arrays) - synthetic
    share = SYNTHETIC if synthetic else 0.0
    sides[:real] *= (1 - share) / sides[:real].sum()
    sides[real:] *= share / max(sides[real:].sum(), 1)
    chances: NDArray[np.float64] = sides / sides.sum()
    return chances


def patch(array: Pixels, size: int, random: np.random.Generator) -> Floats:
    """Return a patch (size, size, 3) of a photograph made smaller, or sometimes larger."""
    side = round(size / _scale(size, min(array.shape[:2]), random))
    # Enlarged by a box, it would have steps instead of softness.
    is_smooth = side < size or random.random() < 0.5
    resample = Image.Resampling.BICUBIC if is_smooth else Image.Resampling.BOX
    (cut,) = _cuts(array, side, size, 1, resample, random)
    return to_floats(cut)


def crops(array: Pixels, size: int, count: int, random: np.random.Generator) -> Floats:
    """Return crops (count, size, size, 3) from all over a photograph, at one scale and turn.

    Most photographs are made smaller: what noise they have themselves must not count as none.
    """
    side = size
    if random.random() < SHRUNK:
        side = round(size * random.uniform(1, min(1 / SMALLEST_SCALE, min(array.shape[:2]) / size)))
    return to_floats(_cuts(array, side, size, count, Image.Resampling.BICUBIC, random))


def _cuts(
    array: Pixels,
    side: int,
    size: int,
    count: int,
    resample: Image.Resampling,
    random: np.random.Generator,
) -> Pixels:
    """Squares of a side, resized to a size, all turned and mirrored alike."""
    found = []
    for _ in range(count):
        top, left = (random.integers(0, length - side + 1) for length in array.shape[:2])
        cut = array[top : top + side, left : left + side]
        if side != size:
            cut = np.asarray(Image.fromarray(cut).resize((size, size), resample))
        found.append(cut)
    cuts = np.rot90(np.stack(found), int(random.integers(4)), (1, 2))
    return cuts[:, :, ::-1] if random.random() < 0.5 else cuts


def _scale(size: int, side: int, random: np.random.Generator) -> float:
    """How much smaller or larger a photograph is made whose shorter side is so long."""
    kind = random.random()
    if kind < 0.5:
        return random.uniform(max(SMALLEST_SCALE, size / side), 1)
    # What comes from a large sensor is soft, pixel by pixel.
    return random.uniform(1, LARGEST_SCALE) if kind < 0.65 else 1.0
