"""The network that estimates the noise of a whole photograph."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from service.manifest import PROFILE

STRIDE = 8
"""What height and width of an image must be multiples of, in pixels."""
OUTPUTS = 1 + PROFILE
"""Numbers of an estimate: the logarithm of the noise level, then the profile."""
CONTRAST = 12.0
"""By what the difference to the neighbourhood is multiplied, so that weak noise is seen."""


@dataclass(frozen=True)
class EstimatorConfig:
    """The widths of the estimator.

    Args:
        channels: Of the resolutions, from half of that of the photograph to an eighth.
        blocks: Residual blocks at an eighth: with two, a place sees 104 pixels.
        heads: Ways to weight places before their features are averaged.
        hidden: Units of the two dense layers.
    """

    channels: tuple[int, int, int] = (40, 64, 96)
    blocks: int = 2
    heads: int = 8
    hidden: int = 128

    def __str__(self) -> str:
        widths = ", ".join(map(str, self.channels))
        return (
            f"convolutions of {widths} channels, {self.blocks} residual blocks, attention pooling "
            f"with {self.heads} heads"
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
        self.around = keras.layers.AveragePooling2D(3, 1, "same")
        self.convolutions = []
        for depth, filters in enumerate(config.channels):
            self.convolutions.append(_convolution(filters, 3 if depth else 4, 2, f"down{depth}"))
            if depth:  # at half the resolution it would cost half as much as all else
                self.convolutions.append(_convolution(filters, 3, 1, f"features{depth}"))
        self.blocks = [
            [_convolution(config.channels[-1], 3, 1, f"block{index}{part}") for part in "ab"]
            for index in range(config.blocks)
        ]
        self.scores = keras.layers.Conv2D(config.heads, 1, name="scores")
        self.hidden = [
            keras.layers.Dense(config.hidden, activation="relu", name=f"dense{index}")
            for index in range(2)
        ]
        self.noise = keras.layers.Dense(OUTPUTS, name="noise")

    def call(self, images: Any) -> Any:
        x = ops.concatenate([images, (images - self.around(images)) * CONTRAST], -1)
        for convolution in self.convolutions:
            x = convolution(x)
        for first, second in self.blocks:
            x = x + second(first(x))
        pooled = self._pooled(x)
        # Features grow with the noise level, from 0 to 75: what is estimated is its logarithm.
        h = ops.concatenate([pooled, ops.log(ops.relu(pooled) + 0.01)], -1)
        for dense in self.hidden:
            h = dense(h)
        return self.noise(h)

    def _pooled(self, x: Any) -> Any:
        """Means of the features over all places, one with equal weights and one for each head."""
        features, heads = self.config.channels[-1], self.config.heads
        places = ops.shape(x)[1] * ops.shape(x)[2]
        weights = ops.softmax(ops.reshape(self.scores(x), (-1, places, heads)), axis=1)
        values = ops.reshape(x, (-1, places, features))
        attended = ops.matmul(ops.transpose(weights, (0, 2, 1)), values)
        attended = ops.reshape(attended, (-1, heads * features))
        return ops.concatenate([attended, ops.mean(values, axis=1)], -1)


def _convolution(filters: int, size: int, strides: int, name: str) -> keras.layers.Layer:
    return keras.layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        name=name,
    )


def created(config: EstimatorConfig, *, seed: int) -> NoiseEstimator:
    """Return an untrained estimator whose weights exist."""
    model = NoiseEstimator(config, seed=seed)
    model(np.zeros((1, 4 * STRIDE, 4 * STRIDE, 3), np.float32))
    return model
