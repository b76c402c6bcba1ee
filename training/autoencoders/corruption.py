"""Corruption layers of denoising autoencoders (Vincent et al., 2010).

Keras's Dropout brightens the pixels that it keeps by 1 / (1 - rate), and its GaussianNoise leaves
[0, 1]. Dead pixels do not brighten others, and a camera clips, as these layers do. Each image
draws its own noise level, so that one model handles clean images and light and heavy noise.
"""

from typing import Any

import keras
from keras import ops


class Corruption(keras.layers.Layer):
    """Add noise to images (batch, pixels) in [0, 1] in training, at a level uniform in [low, high].

    Args:
        low: The lowest noise level of an image.
        high: The highest one.
        seed: Of the noise.
    """

    def __init__(self, low: float, high: float, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high, self.seed = low, high, seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool = False) -> Any:
        if not training:
            return images
        amount = keras.random.uniform(
            (ops.shape(images)[0], 1), self.low, self.high, seed=self.generator
        )
        return self.corrupt(images, amount)

    def corrupt(self, images: Any, amount: Any) -> Any:
        """Return images (batch, pixels) with noise of the level (batch, 1) of each."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "low": self.low, "high": self.high, "seed": self.seed}


@keras.saving.register_keras_serializable("autoencoders")
class DeadPixels(Corruption):
    """Set each pixel to zero with the noise level as probability."""

    def corrupt(self, images: Any, amount: Any) -> Any:
        draws = keras.random.uniform(ops.shape(images), seed=self.generator)
        return images * ops.cast(draws >= amount, images.dtype)


@keras.saving.register_keras_serializable("autoencoders")
class ClippedGaussianNoise(Corruption):
    """Add Gaussian noise with the noise level as standard deviation, and clip to [0, 1]."""

    def corrupt(self, images: Any, amount: Any) -> Any:
        noise = keras.random.normal(ops.shape(images), seed=self.generator)
        return ops.clip(images + amount * noise, 0.0, 1.0)
