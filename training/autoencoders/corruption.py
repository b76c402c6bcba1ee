"""Corruption layers of denoising autoencoders (Vincent et al., 2010), on images in [0, 1].

Keras's Dropout brightens the pixels that it keeps by 1 / (1 - rate), and its GaussianNoise leaves
[0, 1]. Dead pixels do not brighten others, and a camera clips, as these layers do. Each image
draws its own noise level, so that one model handles clean images and light and heavy noise.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


class Corruption(keras.layers.Layer):
    """Add noise to images (batch, ...) in training, at a level uniform in [low, high].

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
        amount = keras.random.uniform(_each(images), self.low, self.high, seed=self.generator)
        return self.corrupt(images, amount)

    def corrupt(self, images: Any, amount: Any) -> Any:
        """Return images (batch, ...) with noise of the level (batch, 1, ...) of each."""
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


@keras.saving.register_keras_serializable("autoencoders")
class OneOf(keras.layers.Layer):
    """Add one of several kinds of noise to each image (batch, ...) in training, all as often.

    Args:
        kinds: A layer for each kind of noise.
        seed: Of the draws.
    """

    def __init__(self, kinds: Sequence[Corruption], seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kinds, self.seed = list(kinds), seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        """Build nothing: no kind of noise has weights."""

    def call(self, images: Any, training: bool = False) -> Any:
        if not training:
            return images
        count = len(self.kinds)
        drawn = keras.random.uniform(_each(images), 0, count, seed=self.generator)
        corrupted = self.kinds[-1](images, training=True)
        for index, kind in reversed(list(enumerate(self.kinds[:-1]))):
            corrupted = ops.where(drawn < index + 1, kind(images, training=True), corrupted)
        return corrupted

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        kinds = [keras.saving.serialize_keras_object(kind) for kind in self.kinds]
        return {**super().get_config(), "kinds": kinds, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "OneOf":
        kinds = [keras.saving.deserialize_keras_object(kind) for kind in config["kinds"]]
        return cls(**{**config, "kinds": kinds})


def every_noise(seed: int) -> OneOf:
    """Return a layer for denoisers of any noise.

    A third of the images gets dead pixels, a third Gaussian noise of any level, a third light
    Gaussian noise: the lighter it is, the more detail there is to learn to keep.

    Args:
        seed: Of the noise.
    """
    light, any_level = (
        ClippedGaussianNoise(0.0, high, seed + turn) for turn, high in enumerate((0.2, 0.5))
    )
    return OneOf([light, any_level, DeadPixels(0.1, 0.7, seed)], seed + 2)


def _each(images: Any) -> tuple[Any, ...]:
    """The shape of one number for each image."""
    return (ops.shape(images)[0], *[1] * (len(images.shape) - 1))
