"""Measure the halo that a tile of a photograph needs: the receptive field, as far as it matters."""

from collections.abc import Callable, Iterable

import numpy as np
from scipy import ndimage

from training.photo.noise import mix
from training.photo.noise.mix import Sample
from training.photo.noise.types import Floats

Denoise = Callable[[Floats], Floats]
"""Images (batch, height, width, 3) in [0, 1] -> images of the same shape, not clipped."""

HALF_A_LEVEL = 0.5 / 255
SIZE = 256
SEEDS = 3


def halo(cases: Iterable[tuple[Denoise, Floats]], *, stride: int) -> int:
    """Return the halo in pixels, a multiple of the stride.

    Each picture is cut in the middle; its left half is denoised alone, and beside other right
    halves. Beyond the halo, nothing on the left differs from the whole by more than half a grey
    level, half of what tiles may differ by.

    Args:
        cases: The model, blind or given the noise of a picture, and the picture: (height, width, 3)
            of one size for all; sides are multiples of twice the stride.
        stride: Of the model, in pixels.

    Raises:
        ValueError: The halo is more than half a picture.
    """
    differences = np.max([_by_distance(*case, stride) for case in cases], axis=0)
    (apart,) = np.nonzero(differences > HALF_A_LEVEL)
    distance = int(apart.max()) + 1 if apart.size else 0
    result = -(-distance // stride) * stride
    if distance == len(differences):
        raise ValueError(
            f"expected pixels to depend on others less than {len(differences)} pixels away, "
            f"received a halo of {result}"
        )
    return result


def scenes() -> list[Sample]:
    """Return synthetic scenes (256, 256, 3) with edges and textures, with each kind of noise."""
    return [
        mix.sample_of(kind, _scene(random), random)
        for seed in range(SEEDS)
        for kind in mix.MIX
        for random in [np.random.default_rng(seed)]
    ]


def _by_distance(denoise: Denoise, picture: Floats, stride: int) -> Floats:
    """Return the largest difference to the whole at 0, 1, … pixels left of the middle."""
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
