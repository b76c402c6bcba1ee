"""Noise that is correlated over space and over channels together, as image processing leaves it.

Measured on JPEG files of cameras, neighbouring pixels correlate by 0.5 to 0.7 and channels by 0.4
to 0.75. A network that knows white noise alone takes such noise for texture.
"""

import numpy as np
from scipy import ndimage

from training.photo.noise.types import Floats, log_uniform, luminance, normal

LOWEST, HIGHEST = 0.7, 45.0
"""Standard deviations of the noise, on the scale of 0 to 255."""


def correlated(clean: Floats, random: np.random.Generator) -> Floats:
    """Add Gaussian noise blurred over space and mixed over channels, sigma 0.7 to 45.

    Any correlation of the channels from 0 (independent) to 1 (luminance alone) comes with any
    blur from none to a standard deviation of 1.4 pixels; colour noise is often the coarser one.
    Some of it has blotches of colour, is sharpened, or depends on the brightness.
    """
    height, width, _ = clean.shape
    fine = 0.0 if random.random() < 0.25 else random.uniform(0.3, 1.4)
    coarse = fine if random.random() < 0.6 else fine + random.uniform(0.2, 1.5)
    shared = _correlation(random)
    noise = (
        np.float32(np.sqrt(shared)) * _blurred(normal(random, height, width, 1), fine)
        + np.float32(np.sqrt(1 - shared)) * _blurred(normal(random, height, width, 3), coarse)
    )  # fmt: skip
    if random.random() < 0.2:
        noise = noise + np.float32(random.uniform(0.1, 1)) * _blotches(random, height, width)
    noise = sharpened(noise, random, 0.3)
    if random.random() < 0.5:
        noise = noise * _amplitude(luminance(clean), random)
    return _scaled(clean, noise, log_uniform(random, LOWEST, HIGHEST))


def film(clean: Floats, random: np.random.Generator) -> Floats:
    """Add film grain: nearly the same in all channels, blurred, strongest in the mid-tones.

    Sigma is 2 to 30, the blur 0.4 to 1.2 pixels (Newson et al., 2017, Computer Graphics Forum 36,
    describes why grain depends on the brightness so).
    """
    height, width, _ = clean.shape
    grain = _blurred(normal(random, height, width, 1), random.uniform(0.4, 1.2))
    if random.random() < 0.3:
        colour = _blurred(normal(random, height, width, 3), random.uniform(0.4, 1.2))
        grain = grain + np.float32(random.uniform(0, 0.4)) * colour
    if random.random() < 0.6:
        light = luminance(clean)
        grain = grain * (np.float32(random.uniform(0.1, 1)) + 4 * light * (1 - light))
    return _scaled(clean, np.broadcast_to(grain, clean.shape), log_uniform(random, 2, 30))


def sharpened(noise: Floats, random: np.random.Generator, share: float) -> Floats:
    """Return noise as an unsharp mask leaves it, for a share of all calls; else as it is."""
    if random.random() >= share:
        return noise
    width, amount = random.uniform(0.5, 1.5), np.float32(random.uniform(0, 1.5))
    sharp: Floats = noise + amount * (noise - blur(noise, width))
    return sharp


def blur(values: Floats, width: float) -> Floats:
    """Return (height, width, channels) blurred by a Gaussian of a standard deviation in pixels."""
    blurred: Floats = ndimage.gaussian_filter(values, (width, width, 0), mode="mirror", truncate=3)
    return blurred


def _correlation(random: np.random.Generator) -> float:
    """A correlation of the channels: both ends, where noise is of one kind, are likely."""
    kind = random.random()
    return 0.0 if kind < 0.15 else 1.0 if kind < 0.35 else random.random()


def _blurred(noise: Floats, width: float) -> Floats:
    """Noise of standard deviation 1, blurred."""
    if width < 0.2:
        return noise
    noise = blur(noise, width)
    scaled: Floats = noise / (noise.std() + np.float32(1e-6))
    return scaled


def _blotches(random: np.random.Generator, height: int, width: int) -> Floats:
    """Blotches of colour that a camera's own denoiser leaves, some 10 pixels wide."""
    small = normal(random, -(-height // 4), -(-width // 4), 3)
    blotches = small.repeat(4, 0).repeat(4, 1)[:height, :width]
    return _blurred(blotches, 2.0)


def _amplitude(light: Floats, random: np.random.Generator) -> Floats:
    """How strong noise is at each luminance: stronger in the light or, as often, in the dark."""
    least = np.float32(random.uniform(0.05, 0.6))
    amplitude: Floats = least + (light if random.random() < 0.5 else 1 - light)
    return amplitude


def _scaled(clean: Floats, noise: Floats, sigma: float) -> Floats:
    noisy: Floats = clean + noise * np.float32(sigma / 255) / (noise.std() + np.float32(1e-6))
    return noisy
