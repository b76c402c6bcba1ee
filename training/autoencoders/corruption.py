"""Noise for training denoising autoencoders: layers that spoil images as the world spoils them.

Keras's own Dropout and GaussianNoise do not: the first brightens the pixels that it keeps by
1 / (1 - rate), the second leaves [0, 1]. A picture with dead pixels is not brighter elsewhere, and
a camera clips. The amount is drawn anew for every image, so that one model serves light and heavy
noise, and clean images too.
"""

from typing import Any

import keras
from keras import ops


class Corruption(keras.layers.Layer):
    """Spoil images (batch, pixels) in [0, 1] in training, each by an amount from [low, high]."""

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
        """Return images (batch, pixels) spoiled by the amount (batch, 1) of each."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "low": self.low, "high": self.high, "seed": self.seed}


@keras.saving.register_keras_serializable("autoencoders")
class DeadPixels(Corruption):
    """Set each pixel to zero with the amount as probability, and leave the others as they are."""

    def corrupt(self, images: Any, amount: Any) -> Any:
        draws = keras.random.uniform(ops.shape(images), seed=self.generator)
        return images * ops.cast(draws >= amount, images.dtype)


@keras.saving.register_keras_serializable("autoencoders")
class ClippedGaussianNoise(Corruption):
    """Add Gaussian noise with the amount as standard deviation, then clip to [0, 1]."""

    def corrupt(self, images: Any, amount: Any) -> Any:
        noise = keras.random.normal(ops.shape(images), seed=self.generator)
        return ops.clip(images + amount * noise, 0.0, 1.0)
