"""The denoiser of photographs: a residual U-Net that predicts the noise of images of any size."""

from dataclasses import dataclass
from typing import Any, Literal

import keras
from keras import ops

BRANCH = 0.3
"""How large the last kernels of the residual branches begin: the sum of all stays about as it is,
without a normalisation, whose moments of one batch are not those of what is served."""


@dataclass(frozen=True)
class PhotoConfig:
    """Channels of each level, outermost first, and residual blocks of each.

    The first level works at half the resolution of the photograph, each further one at half of
    the one before. A level has its blocks on the way down and again on the way up; the innermost
    has its own once. Raises ValueError where there are not as many numbers of blocks as levels.
    """

    channels: tuple[int, ...] = (48, 64, 96)
    blocks: tuple[int, ...] = (2, 2, 4)

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.blocks) or not self.channels:
            raise ValueError(
                f"expected a number of blocks for each level, received {self.channels} channels "
                f"and {self.blocks} blocks"
            )

    def __str__(self) -> str:
        levels = zip(self.channels, self.blocks, strict=True)
        return "U-Net of " + ", ".join(f"{wide} channels x {deep} blocks" for wide, deep in levels)

    @property
    def stride(self) -> int:
        """What height and width of an image must be multiples of."""
        return 1 << len(self.channels)


@dataclass(frozen=True)
class Computation:
    """How the same weights are computed: it changes no shape of them.

    precision: a Keras dtype policy; data_format: how the layers see their inputs inside.
    """

    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    data_format: Literal["channels_last", "channels_first"] = "channels_last"


def build(config: PhotoConfig, *, seed: int, computation: Computation | None = None) -> keras.Model:
    """Return a denoising autoencoder with skips, untrained.

    Images (batch, height, width, 3) in [0, 1], height and width multiples of the stride, and sigma
    (batch,), the standard deviation of the noise on the scale of 0 to 255, negative where it is
    unknown -> images of the same shape, float32, not clipped. The U-Net is that of Ronneberger et
    al. (2015, arXiv 1505.04597) with additive skips and residual blocks (Zhang et al., 2021, arXiv
    2008.13751); the level of noise as an input is from Zhang et al. (2018, arXiv 1710.04026), the
    prediction of the noise instead of the image from Zhang et al. (2017, arXiv 1608.03981).
    """
    keras.utils.set_random_seed(seed)
    return _UNet(config, computation or Computation()).build()


class _UNet:
    def __init__(self, config: PhotoConfig, computation: Computation) -> None:
        self.config = config
        self.precision = computation.precision
        self.format = computation.data_format
        self.channel_axis = 1 if self.format == "channels_first" else 3

    def build(self) -> keras.Model:
        channels, blocks = self.config.channels, self.config.blocks
        innermost = len(channels) - 1
        images = keras.Input((None, None, 3), name="images")
        sigma = keras.Input((), name="sigma")
        level = _level_of_noise(sigma)
        skips = []
        x = ops.transpose(images, (0, 3, 1, 2)) if self.channel_axis == 1 else images
        for depth in range(len(channels)):
            x = self.convolution(channels[depth], 2, strides=2, name=f"down{depth}")(x)
            x = self.blocks(x, level, channels[depth], blocks[depth], name=f"encoder{depth}")
            skips.append(x)
        for depth in reversed(range(innermost)):
            x = self.transposed(channels[depth], name=f"up{depth}")(x)
            x = keras.layers.Add(dtype=self.precision)([x, skips[depth]])
            x = self.blocks(x, level, channels[depth], blocks[depth], name=f"decoder{depth}")
        # It starts as the identity. The branches of the blocks must not start at zero as well:
        # with both at zero there is hardly a gradient, and the training stalls.
        noise = self.transposed(3, kernel_initializer="zeros", name="noise")(x)
        noise = ops.transpose(noise, (0, 2, 3, 1)) if self.channel_axis == 1 else noise
        outputs = keras.layers.Subtract(dtype="float32", name="outputs")([images, noise])
        return keras.Model([images, sigma], outputs, name="photo")

    def blocks(self, x: Any, level: Any, channels: int, number: int, *, name: str) -> Any:
        """Residual blocks, after what the level of noise means for the channels is added."""
        told = keras.layers.Dense(
            channels, use_bias=False, dtype=self.precision, name=f"{name}_level"
        )(level)
        shape = (channels, 1, 1) if self.channel_axis == 1 else (1, 1, channels)
        x = keras.layers.Add(dtype=self.precision)([x, keras.layers.Reshape(shape)(told)])
        for block in range(number):
            y = self.convolution(channels, 3, padding="same", name=f"{name}_{block}a")(x)
            y = keras.layers.ReLU(dtype=self.precision)(y)
            y = self.convolution(channels, 3, BRANCH, padding="same", name=f"{name}_{block}b")(y)
            x = keras.layers.Add(dtype=self.precision)([x, y])
        return x

    def convolution(
        self, filters: int, size: int, scale: float = 1.0, **options: Any
    ) -> keras.layers.Layer:
        """A convolution; scale: of its initial kernel, 1 for He's."""
        return keras.layers.Conv2D(
            filters,
            size,
            kernel_initializer=keras.initializers.VarianceScaling(2.0 * scale**2),
            data_format=self.format,
            dtype=self.precision,
            **options,
        )

    def transposed(self, filters: int, **options: Any) -> keras.layers.Layer:
        return keras.layers.Conv2DTranspose(
            filters, 2, strides=2, data_format=self.format, dtype=self.precision, **options
        )


def _level_of_noise(sigma: Any) -> Any:
    """Whether sigma is known, and how large it is, mixed into what the layers can add."""
    sigma = ops.expand_dims(sigma, -1)
    known = ops.cast(sigma >= 0, "float32")
    told = ops.concatenate([known, known * sigma / 50.0], -1)
    return keras.layers.Dense(32, activation="relu", dtype="float32", name="level")(told)
