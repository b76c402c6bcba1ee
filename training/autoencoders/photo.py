"""The denoiser of photographs: a residual U-Net that predicts the noise of images of any size."""

from dataclasses import dataclass
from typing import Any, Literal

import keras
from keras import ops

from service.manifest import PROFILE

BRANCH = 0.3
"""Scale of the initial kernel that ends a residual branch: the variance of the sum stays about 1
without normalisation, whose moments of one batch are not those at inference."""


@dataclass(frozen=True)
class PhotoConfig:
    """The widths and depths of the levels, outermost first.

    The first level works at half the resolution of the photograph, each further one at half of
    the one before. A level has its blocks on the way down and again on the way up; the innermost
    has its blocks once.

    Args:
        channels: Of each level.
        blocks: Residual blocks of each level, as many numbers as channels.
        overlap: Whether the first convolution and the last transposed one are 4x4 instead of 2x2,
            so that the 2x2 grid of the stride does not show.
        leak: Slope of the ReLU below zero (Maas, Hannun and Ng, 2013, ICML). With 0, whole blocks
            end where no input activates them, and no gradient brings them back.

    Raises:
        ValueError: There is no level, or not a number of blocks for each.
    """

    channels: tuple[int, ...] = (48, 96, 160)
    blocks: tuple[int, ...] = (2, 2, 4)
    overlap: bool = True
    leak: float = 0.1

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.blocks) or not self.channels:
            raise ValueError(
                f"expected a number of blocks for each level, received {self.channels} channels "
                f"and {self.blocks} blocks"
            )

    def __str__(self) -> str:
        levels = zip(self.channels, self.blocks, strict=True)
        text = "U-Net of " + ", ".join(f"{wide} channels x {deep} blocks" for wide, deep in levels)
        text += ", 4x4 kernels at both ends" if self.overlap else ""
        return text + (f", leaky ReLU of a slope of {self.leak:g}" if self.leak else "")

    @property
    def stride(self) -> int:
        """What height and width of an image must be multiples of, in pixels."""
        return 1 << len(self.channels)


@dataclass(frozen=True)
class Computation:
    """How the same weights are computed: it changes no shape of them.

    Args:
        precision: A Keras dtype policy.
        data_format: Of the layers' inputs inside the model.
    """

    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    data_format: Literal["channels_last", "channels_first"] = "channels_last"


def build(config: PhotoConfig, *, seed: int, computation: Computation | None = None) -> keras.Model:
    """Return an untrained denoising autoencoder with skip connections.

    Its inputs are images (batch, height, width, 3) in [0, 1], height and width multiples of the
    stride; sigma (batch,), the noise level on the scale of 0 to 255, negative where unknown; and
    profile (batch, 5), what else is known of the noise, its first number negative where unknown.
    Its output is images of the same shape, float32, not clipped.

    The U-Net is that of Ronneberger et al. (2015, arXiv 1505.04597) with additive skips and
    residual blocks (Zhang et al., 2021, arXiv 2008.13751); the noise level as an input is from
    Zhang et al. (2018, arXiv 1710.04026), the prediction of the noise instead of the image from
    Zhang et al. (2017, arXiv 1608.03981).

    Args:
        config: Widths and depths.
        seed: Of the initial weights.
        computation: Precision and data format, float32 and channels last by default.
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
        ends = 4 if self.config.overlap else 2
        images = keras.Input((None, None, 3), name="images")
        sigma = keras.Input((), name="sigma")
        profile = keras.Input((PROFILE,), name="profile")
        level = _embedding(sigma, profile)
        skips = []
        x = ops.transpose(images, (0, 3, 1, 2)) if self.channel_axis == 1 else images
        for depth in range(len(channels)):
            size = 2 if depth else ends
            x = self.convolution(
                channels[depth], size, strides=2, padding="same", name=f"down{depth}"
            )(x)
            x = self.blocks(x, level, channels[depth], blocks[depth], name=f"encoder{depth}")
            skips.append(x)
        for depth in reversed(range(innermost)):
            x = self.transposed(channels[depth], 2, name=f"up{depth}")(x)
            x = keras.layers.Add(dtype=self.precision)([x, skips[depth]])
            x = self.blocks(x, level, channels[depth], blocks[depth], name=f"decoder{depth}")
        # The model starts as the identity. The residual branches must not start at zero as well:
        # with both at zero there is hardly a gradient, and the training stalls.
        noise = self.transposed(3, ends, kernel_initializer="zeros", name="noise")(x)
        noise = ops.transpose(noise, (0, 2, 3, 1)) if self.channel_axis == 1 else noise
        outputs = keras.layers.Subtract(dtype="float32", name="outputs")([images, noise])
        return keras.Model([images, sigma, profile], outputs, name="photo")

    def blocks(self, x: Any, level: Any, channels: int, number: int, *, name: str) -> Any:
        """Add a bias that depends on the noise to each channel, then residual blocks."""
        bias = keras.layers.Dense(
            channels, use_bias=False, dtype=self.precision, name=f"{name}_level"
        )(level)
        shape = (channels, 1, 1) if self.channel_axis == 1 else (1, 1, channels)
        x = keras.layers.Add(dtype=self.precision)([x, keras.layers.Reshape(shape)(bias)])
        for block in range(number):
            y = self.convolution(channels, 3, padding="same", name=f"{name}_{block}a")(x)
            y = self.activation(y)
            y = self.convolution(channels, 3, BRANCH, padding="same", name=f"{name}_{block}b")(y)
            x = keras.layers.Add(dtype=self.precision)([x, y])
        return x

    def convolution(
        self, filters: int, size: int, scale: float = 1.0, **options: Any
    ) -> keras.layers.Layer:
        """A convolution; scale multiplies He's initial kernel."""
        return keras.layers.Conv2D(
            filters,
            size,
            kernel_initializer=keras.initializers.VarianceScaling(2.0 * scale**2),
            data_format=self.format,
            dtype=self.precision,
            **options,
        )

    def activation(self, x: Any) -> Any:
        if self.config.leak:
            return keras.layers.LeakyReLU(self.config.leak, dtype=self.precision)(x)
        return keras.layers.ReLU(dtype=self.precision)(x)

    def transposed(self, filters: int, size: int, **options: Any) -> keras.layers.Layer:
        return keras.layers.Conv2DTranspose(
            filters,
            size,
            strides=2,
            padding="same",
            data_format=self.format,
            dtype=self.precision,
            **options,
        )


def _embedding(sigma: Any, profile: Any) -> Any:
    """What is known of the noise, mixed into features that the levels turn into biases."""
    sigma = ops.expand_dims(sigma, -1)
    is_known = ops.cast(sigma >= 0, "float32")
    sigma = is_known * ops.maximum(sigma, 0.0)
    is_described = ops.cast(profile[:, :1] >= 0, "float32")
    known = ops.concatenate(
        [
            is_known,
            sigma / 50.0,
            ops.log(1.0 + sigma) / 2.0,  # what is weak differs as much as what is strong
            is_described,
            is_described * profile,
        ],
        -1,
    )
    hidden = keras.layers.Dense(64, activation="relu", dtype="float32", name="level")(known)
    return keras.layers.Dense(64, activation="relu", dtype="float32", name="level2")(hidden)
