"""Noise of a sensor, as it is once a camera has developed the photograph.

The strength follows measured cameras. Of 8,048 profiles of 433 cameras (darktable's noise
profiles), the variance of green is a * light + b with full scale at 1; the median of a is 3e-6 at
ISO 100, 1.2e-4 at ISO 6400 and 4e-4 at ISO 51200, and log b = 1.25 log a - 3.19 with a standard
deviation of 1.07. Phones and pushed exposures go beyond: Brooks et al. (2019, arXiv 1811.11127,
section 3.1) have a from 1e-4 to 0.012.
"""

import numpy as np

from training.photo.noise.correlated import blur, sharpened
from training.photo.noise.demosaic import demosaiced
from training.photo.noise.types import Floats, log_uniform, normal

LEAST, MOST = 3e-6, 1.2e-3
"""Of the variance of shot noise at full scale: of measured cameras, to their 99th percentile."""
BROOKS_LEAST, BROOKS_MOST = 1e-4, 0.012
DARKEST = np.float32(3e-3)
"""Light below which the slope of the tone curve is taken as constant, as that of sRGB is."""


def sensor(clean: Floats, random: np.random.Generator) -> Floats:
    """Add the noise of a sensor without demosaicing, as three-layer sensors and binning have."""
    return _developed(clean, random, mosaic=False)


def camera(clean: Floats, random: np.random.Generator) -> Floats:
    """Add the noise of a Bayer sensor, demosaiced and processed as cameras do."""
    return _developed(clean, random, mosaic=True)


def _developed(clean: Floats, random: np.random.Generator, *, mosaic: bool) -> Floats:
    """Noise is added in linear light, and goes through what the camera does to the photograph."""
    gamma = random.uniform(1.8, 2.6)
    light = np.maximum(clean, 0) ** np.float32(gamma)
    gains = np.array([random.uniform(1.5, 2.6), 1.0, random.uniform(1.3, 2.3)], np.float32)
    shot, read = _strength(random)
    variance = np.float32(shot) * light / gains + np.float32(read)
    noise = normal(random, *clean.shape) * np.sqrt(variance) * gains
    if mosaic:
        noise = demosaiced(noise, random)
    noise = noise @ _colour_matrix(random)
    if random.random() < 0.7:
        noise = _denoised(noise, random)
    noise = sharpened(noise, random, 0.5)
    noisy: Floats = clean + _curve(np.maximum(light + noise, 0), gamma) - _curve(light, gamma)
    return noisy


def _curve(light: Floats, gamma: float) -> Floats:
    """A tone curve, a power but for a straight line near black, where a power has no slope."""
    power, knee = np.float32(1 / gamma), DARKEST ** np.float32(1 / gamma - 1)
    curved: Floats = np.where(light > DARKEST, np.maximum(light, DARKEST) ** power, light * knee)
    return curved


def _strength(random: np.random.Generator) -> tuple[float, float]:
    """Variances of shot noise at full scale and of read noise."""
    if random.random() < 0.7:
        shot = log_uniform(random, LEAST, MOST)
        return shot, float(np.exp(1.25 * np.log(shot) - 3.19 + random.normal(0, 1.07)))
    shot = log_uniform(random, BROOKS_LEAST, BROOKS_MOST)
    return shot, float(np.exp(2.18 * np.log(shot) + 1.2 + random.normal(0, 0.26)))


def _colour_matrix(random: np.random.Generator) -> Floats:
    """From the sensor's colours to sRGB: it subtracts other colours and so amplifies noise."""
    matrix = -random.uniform(0, 0.45, (3, 3)) * (random.random() < 0.8)
    np.fill_diagonal(matrix, 0)
    np.fill_diagonal(matrix, 1 - matrix.sum(0))
    return matrix.astype(np.float32)


def _denoised(noise: Floats, random: np.random.Generator) -> Floats:
    """Noise that the camera's own denoiser leaves: colour is blurred, luminance a little."""
    shared = noise.mean(-1, keepdims=True)
    colour = blur(noise - shared, random.uniform(0.6, 2.5)) * np.float32(random.uniform(0.2, 0.9))
    if random.random() < 0.8:
        shared = blur(shared, random.uniform(0.4, 1.1))
    left: Floats = shared + colour
    return left
