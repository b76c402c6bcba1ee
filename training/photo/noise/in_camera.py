"""What a camera's own denoiser leaves of the noise of its sensor.

In 38 pairs of JPEG files of cameras (Xu et al. 2018, arXiv 1804.02603), the noise in red less blue
has a median of a seventeenth of its power density at 0.12 cycles a pixel beside 0.045, and the
noise of luminance is 2.9 times as strong at the steepest twentieth of the pixels as in the plainest
three tenths.
"""

import numpy as np
from scipy import ndimage

from training.photo.noise.correlated import blur
from training.photo.noise.types import Floats, log_uniform, luminance

CHROMA = (1.0, 5.0)
"""Standard deviations of the blur of colour, in pixels."""
LUMINANCE = (0.4, 1.1)
EDGES = (0.004, 0.06)
"""Change of luminance a pixel, on [0, 1], from which the denoiser keeps half of the noise."""


def denoised(noise: Floats, clean: Floats, random: np.random.Generator) -> Floats:
    """Return noise as a camera's denoiser leaves it: low frequencies of colour, and edges.

    Args:
        noise: float32 (height, width, 3), after the tone curve.
        clean: The photograph without it, of the same shape, in [0, 1].
        random: Draws how strong the denoiser is.

    Returns:
        float32 (height, width, 3).
    """
    shared = luminance(noise)
    colour = blur(noise - shared, log_uniform(random, *CHROMA))
    if random.random() < 0.9:
        smooth = blur(shared, random.uniform(*LUMINANCE)) * np.float32(random.uniform(0.5, 1))
        shared = shared + _strength(clean, random) * (smooth - shared)
    left: Floats = shared + np.float32(random.uniform(0.5, 1)) * colour
    return left


def _strength(clean: Floats, random: np.random.Generator) -> Floats:
    """How strongly each pixel (height, width, 1) is denoised, 0 to 1: less beside edges."""
    threshold = log_uniform(random, *EDGES)
    if random.random() < 0.2:
        return np.ones_like(clean[..., :1])
    steep = ndimage.gaussian_gradient_magnitude(luminance(clean)[..., 0], 1.5)
    strength: Floats = (1 / (1 + (steep / threshold) ** 2))[..., np.newaxis].astype(np.float32)
    return strength
