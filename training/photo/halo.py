"""How far what a pixel becomes depends on others: the halo that a tile of a photograph needs."""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from training.photo.noise import mix
from training.photo.noise.types import Floats

Denoise = Callable[[Floats], Floats]
"""Images (batch, height, width, 3) in [0, 1] -> images of the same shape, not clipped."""

HALF_A_LEVEL = 0.5 / 255
SIZE = 256
SEEDS = 3


def halo(denoise: Denoise, pictures: list[Floats], *, stride: int) -> int:
    """Return the pixels beyond a tile that have to be seen with it, a multiple of the stride.

    pictures (height, width, 3), height and width multiples of twice the stride: each is cut in the
    middle, and its left half denoised alone, as a tile at whose edge there is nothing, and beside
    other right halves. The halo is the smallest distance from the cut from which on nothing differs
    from the whole by more than half a grey level, half of what tiles may differ by, rounded up.
    Raises ValueError where that is more than half a picture.
    """
    differences = np.max([_by_distance(denoise, each, stride) for each in pictures], axis=0)
    (apart,) = np.nonzero(differences > HALF_A_LEVEL)
    distance = int(apart.max()) + 1 if apart.size else 0
    result = -(-distance // stride) * stride
    if distance == len(differences):
        raise ValueError(
            f"expected pixels to depend on others less than {len(differences)} pixels away, "
            f"received a halo of {result}"
        )
    return result


def pictures() -> list[Floats]:
    """Return made-up scenes with edges and textures, spoiled by each kind of noise there is."""
    return [
        np.clip(kind.corrupt(_scene(random), random), 0, 1)
        for seed in range(SEEDS)
        for kind in mix.MIX
        for random in [np.random.default_rng(seed)]
    ]


def _by_distance(denoise: Denoise, picture: Floats, stride: int) -> Floats:
    """The largest difference that what is right of the middle makes, 0, 1, … pixels left of it."""
    middle = picture.shape[1] // 2 // stride * stride
    left, right = picture[:, :middle], picture[:, middle:]
    whole = denoise(picture[None])[0, :, :middle]
    others = [np.zeros_like(right), np.ones_like(right), right[:, ::-1], 1 - right]
    changed = [denoise(left[None])[0]]
    changed += [denoise(np.concatenate([left, other], 1)[None])[0, :, :middle] for other in others]
    differences = [np.abs(each - whole).max(axis=(0, 2)) for each in changed]
    largest: Floats = np.max(differences, axis=0)[::-1]
    return largest


def _scene(random: np.random.Generator) -> Floats:
    """Blotches of two scales and a texture, with sharp edges between them, in colour."""
    shape = (SIZE, SIZE, 3)
    layers = [
        ndimage.gaussian_filter(random.standard_normal(shape, np.float32), (width, width, 0))
        for width in (24, 6, 1.5)
    ]
    coarse, fine, texture = (layer / layer.std() for layer in layers)
    scene = 0.5 + 0.2 * np.sign(coarse) + 0.1 * fine + 0.08 * texture * (fine > 0)
    clipped: Floats = np.clip(scene, 0, 1).astype(np.float32)
    return clipped
