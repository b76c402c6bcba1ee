"""The noise that the denoiser of photographs is trained to remove.

White Gaussian noise, as papers add it, is hardly ever what a photograph has: its noise comes from
a sensor, has gone through demosaicing, white balance, a gamma curve, resizing and JPEG, so that it
depends on the brightness and is correlated between neighbours and between colours. A denoiser
trained on white noise alone takes such noise for texture and leaves it where it is. So the noise
is drawn from all of it, each kind with its share.

All functions take a clean patch float32 (height, width, 3) in [0, 1] and a generator, and return a
noisy one, not clipped. Standard deviations are on the scale of 0 to 255.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Floats = NDArray[np.float32]
Corrupt = Callable[[Floats, np.random.Generator], Floats]
GAMMA = 2.2
UNKNOWN = -1.0
"""The sigma of an image whose noise nobody has measured: the model has to see for itself."""


@dataclass(frozen=True)
class Kind:
    """A kind of noise: its share of the patches, and how often JPEG comes after it."""

    name: str
    share: float
    jpeg: float
    corrupt: Corrupt


def white(clean: Floats, random: np.random.Generator) -> Floats:
    """Add white Gaussian noise, sigma 0 to 55, a third of it 0 to 15."""
    return clean + _normal(random, clean.shape) * np.float32(_sigma(random) / 255)


def uneven(clean: Floats, random: np.random.Generator) -> Floats:
    """Add white Gaussian noise of another sigma in each channel, 0 to 55."""
    return clean + _normal(random, clean.shape) * (random.random(3) * 55 / 255).astype(np.float32)


def sensor(clean: Floats, random: np.random.Generator) -> Floats:
    """Add Poisson-Gaussian noise in linear light, then white balance and the gamma curve.

    The parameters are drawn as Brooks et al. (2019, arXiv 1811.11127, section 3.1) fitted them to
    real cameras; the Poisson part is taken as Gaussian of the same variance, as they do.
    """
    return _developed(clean, random, mosaic=False)


def camera(clean: Floats, random: np.random.Generator) -> Floats:
    """Add sensor noise as it is after the demosaicing of Bayer's pattern, often sharpened."""
    return _developed(clean, random, mosaic=True)


def smeared(clean: Floats, random: np.random.Generator) -> Floats:
    """Add noise correlated over space and channels, as blur, resizing and in-camera filters leave.

    Sigma 0 to 40; often with coarse blotches of colour under the fine grain, or sharpened.
    """
    widths = random.uniform(0.3, 1.4, 2) * ((random.random() < 0.8) + 0.0)
    noise = ndimage.gaussian_filter(_normal(random, clean.shape), (*widths, 0), mode="wrap")
    if random.random() < 0.4:
        height, width = -(-clean.shape[0] // 4), -(-clean.shape[1] // 4)
        coarse = _normal(random, (height, width, 3))
        blotches = coarse.repeat(4, 0).repeat(4, 1)[: clean.shape[0], : clean.shape[1]]
        blotches = ndimage.gaussian_filter(blotches, (2, 2, 0), mode="wrap")
        noise = noise / noise.std() + blotches / blotches.std() * np.float32(random.uniform(0, 1))
    noise = _sharpened(noise, random) @ _mixture(random, 0.5)
    if random.random() < 0.5:
        noise = noise * (np.float32(random.uniform(0.05, 0.6)) + clean)
    noisy: Floats = clean + noise * np.float32(40 / 255 * random.random() ** 1.5 / noise.std())
    return noisy


def nothing(clean: Floats, _: np.random.Generator) -> Floats:
    """Leave the patch alone: a clean photograph must come out as it went in."""
    return clean


MIX = (
    Kind("white", 0.44, 0.1, white),
    Kind("uneven", 0.04, 0.1, uneven),
    Kind("sensor", 0.08, 0.3, sensor),
    Kind("camera", 0.20, 0.5, camera),
    Kind("smeared", 0.16, 0.4, smeared),
    Kind("none", 0.08, 0.5, nothing),
)


def shares() -> str:
    """Return the mix in words."""
    return ", ".join(f"{kind.name} {kind.share:.0%}" for kind in MIX)


def jpeg(noisy: Floats, random: np.random.Generator) -> Floats:
    """Write and read the patch as JPEG of quality 30 to 98, with or without chroma subsampling."""
    buffer = io.BytesIO()
    Image.fromarray(to_bytes(noisy)).save(
        buffer,
        "JPEG",
        quality=int(random.integers(30, 99)),
        subsampling=int(random.choice((0, 2))),
    )
    return np.asarray(Image.open(buffer), np.float32) / np.float32(255)


def to_bytes(images: Floats) -> NDArray[np.uint8]:
    """Return images in [0, 1], clipped and rounded, as 8-bit ones."""
    return (np.clip(images, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _normal(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return random.standard_normal(shape, np.float32)


def _sigma(random: np.random.Generator) -> float:
    return random.random() * (15 if random.random() < 1 / 3 else 55)


def _mixture(random: np.random.Generator, most: float) -> Floats:
    """A matrix that mixes colours: each keeps the larger part of itself."""
    mixture = np.eye(3) + random.uniform(-most, most) * random.random((3, 3))
    return mixture.astype(np.float32)


def _developed(clean: Floats, random: np.random.Generator, *, mosaic: bool) -> Floats:
    log_shot = random.uniform(np.log(1e-4), np.log(0.012))
    log_read = 2.18 * log_shot + 1.2 + random.normal(0, 0.26)
    gains = np.array([random.uniform(1.9, 2.4), 1.0, random.uniform(1.5, 1.9)], np.float32)
    light = clean**GAMMA
    variance = np.float32(np.exp(log_shot)) * light / gains + np.float32(np.exp(log_read))
    noise = _normal(random, clean.shape) * np.sqrt(variance) * gains
    if mosaic:
        noise = _sharpened(_demosaiced(noise, random), random)
    noise = noise @ _mixture(random, 0.3)
    # Below black there is no root: a camera clips there too.
    noisy: Floats = np.maximum(light + noise, 0, dtype=np.float32) ** np.float32(1 / GAMMA)
    return noisy


def _sharpened(noise: Floats, random: np.random.Generator) -> Floats:
    """Noise as it is once a camera has sharpened the photograph, as it does half of the time."""
    if random.random() < 0.5:
        return noise
    width, amount = random.uniform(0.5, 1.5), np.float32(random.uniform(0, 1.5))
    sharpened: Floats = noise + amount * (
        noise - ndimage.gaussian_filter(noise, (width, width, 0), mode="mirror")
    )
    return sharpened


def _demosaiced(noise: Floats, random: np.random.Generator) -> Floats:
    """What demosaicing makes of the noise of one colour a pixel, for a random Bayer phase.

    A third of it is bilinear interpolation, the rest on the way from there to that of Hamilton and
    Adams (1997, US patent 5,629,734): green from its neighbours along the row, the column or both,
    and from the curvature of red and blue there; these from their difference to green.
    """
    row, column = random.integers(0, 2, 2)
    rows, columns = np.ogrid[row : row + noise.shape[0], column : column + noise.shape[1]]
    red, blue = (rows % 2 == 0) & (columns % 2 == 0), (rows % 2 == 1) & (columns % 2 == 1)
    is_green = ~red & ~blue
    raw = np.where(is_green, noise[..., 1], np.where(red, noise[..., 0], noise[..., 2]))
    curvature, hue, of_row = np.float32(0), np.float32(0), np.full_like(raw, 0.5)
    if random.random() < 2 / 3:
        curvature, hue = random.random(2).astype(np.float32)
        if random.random() < 0.5:  # noise says which of the two is the smoother
            of_row = random.integers(0, 2, raw.shape).astype(np.float32)
    along, across = (
        _filtered(raw * is_green, beside) + curvature * ~is_green * _filtered(raw, bend)
        for beside, bend in ((_BESIDE, _BEND), (_BESIDE.T, _BEND.T))
    )
    green = of_row * along + (1 - of_row) * across
    result = np.empty_like(noise)
    for channel, mask in ((0, red), (2, blue)):
        result[..., channel] = hue * green + _filtered((raw - hue * green) * mask, _CORNERS)
    result[..., 1] = green
    return result


def _filtered(values: Floats, kernel: Floats) -> Floats:
    filtered: Floats = ndimage.correlate(values, kernel, mode="mirror")
    return filtered


_CORNERS: Floats = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / np.float32(4)
_BESIDE: Floats = np.array([[1, 2, 1]], np.float32) / np.float32(2)
_BEND: Floats = np.array([[-1, 0, 2, 0, -1]], np.float32) / np.float32(4)
