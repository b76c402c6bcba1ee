"""The network that estimates the noise of a whole photograph."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from service.manifest import PROFILE
from training.photo.estimate.spectrum import COARSE, MIDDLE, PLACE, LocalSpectrum
from training.photo.noise.profile import TONES as THIRDS
from training.photo.noise.types import LUMINANCE

STRIDE = PLACE
"""What height and width of an image must be multiples of, in pixels."""
OUTPUTS = 1 + PROFILE
"""Numbers of an estimate: the logarithm of the noise level, then the profile."""
TONES = 3
"""Shadows, mid-tones and highlights, whose noise a profile describes one by one."""
LEAK = 0.2
"""Slope of the ReLU below zero (Maas, Hannun and Ng, 2013, ICML). With 0, 116 of the 128 units of a
dense layer were at zero for each of 30 test images."""
FAR = 12.0
"""How much lower the scores of places are that have another tone."""


@dataclass(frozen=True)
class EstimatorConfig:
    """The widths of the estimator.

    Args:
        channels: Features of a place.
        blocks: Residual blocks over the places: with two, one sees 72 pixels.
        heads: Ways to weight places before their features are averaged.
        hidden: Units of the two dense layers.
    """

    channels: int = 64
    blocks: int = 2
    heads: int = 8
    hidden: int = 128

    def __str__(self) -> str:
        return (
            f"local spectra at {1 + len(COARSE)} scales, {self.channels} channels, {self.blocks} "
            f"residual blocks, attention pooling with {self.heads} heads, leaky ReLU of a slope of "
            f"{LEAK:g}"
        )


@keras.saving.register_keras_serializable("autoencoders")
class NoiseEstimator(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Estimates the noise of photographs, each small or a mosaic of crops of a large one.

    Features of small neighbourhoods are averaged over the whole image, with weights that the
    network gives to each place itself (Ilse et al., 2018, arXiv 1802.04712): plain places tell more
    of the noise than texture does, and the seams of a mosaic nothing.

    Its input is images (batch, height, width, 3) in [0, 1], height and width multiples of 8. Its
    output is (batch, 6): the natural logarithm of the noise level plus 0.5, on the scale of 0 to
    255, then the profile that `training.photo.noise.profile` describes.
    """

    def __init__(self, config: EstimatorConfig, *, seed: int) -> None:
        """Create an untrained estimator of these widths; the seed is that of its weights."""
        super().__init__(name="noise_estimator")
        keras.utils.set_random_seed(seed)
        self.config = config
        self.spectrum = LocalSpectrum(name="spectrum")
        self.features = _convolution(config.channels, 1, "features")
        self.blocks = [
            [_convolution(config.channels, 3, f"block{index}{part}") for part in "ab"]
            for index in range(config.blocks)
        ]
        self.scores = keras.layers.Conv2D(config.heads + TONES, 1, name="scores")
        self.hidden = [
            keras.layers.Dense(config.hidden, activation=_activation(), name=f"dense{index}")
            for index in range(2)
        ]
        self.noise = keras.layers.Dense(OUTPUTS, name="noise")

    def call(self, images: Any) -> Any:
        spectrum = self.spectrum(images)
        x = self.features(spectrum)
        for first, second in self.blocks:
            x = x + second(first(x))
        x = self._pooled(x, tones_of(spectrum[..., -3:] + MIDDLE))
        for dense in self.hidden:
            x = dense(x)
        return self.noise(x)

    def _pooled(self, x: Any, tones: Any) -> Any:
        """Means of the features over all places, with the weights of each head and equal ones.

        Of a tone, one head looks at its places alone, or everywhere where there are none.
        """
        features, heads = self.config.channels, self.config.heads
        places = ops.shape(x)[1] * ops.shape(x)[2]
        scores = self.scores(x)
        scores = ops.concatenate([scores[..., :heads], scores[..., heads:] + FAR * (tones - 1)], -1)
        weights = ops.softmax(ops.reshape(scores, (-1, places, heads + TONES)), axis=1)
        values = ops.reshape(x, (-1, places, features))
        attended = ops.matmul(ops.transpose(weights, (0, 2, 1)), values)
        attended = ops.reshape(attended, (-1, (heads + TONES) * features))
        return ops.concatenate([attended, ops.mean(values, axis=1)], -1)


def tones_of(colours: Any) -> Any:
    """Return in which third of the luminance colours (..., 3) are: (..., 3), ones and zeros."""
    light = ops.sum(colours * ops.convert_to_tensor(LUMINANCE, "float32"), -1, keepdims=True)
    low, high = (ops.cast(light >= each, "float32") for each in THIRDS)
    return ops.concatenate([1 - low, low - high, high], -1)


def _convolution(filters: int, size: int, name: str) -> keras.layers.Layer:
    return keras.layers.Conv2D(
        filters,
        size,
        padding="same",
        activation=_activation(),
        kernel_initializer="he_normal",
        name=name,
    )


def _activation() -> keras.layers.Layer:
    return keras.layers.LeakyReLU(LEAK)


def created(config: EstimatorConfig, *, seed: int) -> NoiseEstimator:
    """Return an untrained estimator whose weights exist."""
    model = NoiseEstimator(config, seed=seed)
    model(np.zeros((1, 4 * STRIDE, 4 * STRIDE, 3), np.float32))
    return model
