"""The convolutional denoiser: its codings have as many numbers as the image has pixels.

Noise at the input, not a narrow coding, keeps it from copying (Vincent et al., 2010). Before it is
trained it copies: the pixels go through as they are, and training has to learn the changes alone.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import keras

from training.autoencoders.autoencoder import Autoencoder, chain
from training.autoencoders.stacked import IMAGE

KERNEL = 4
"""Of the convolutions that halve and double: they overlap, so that no 2x2 grid shows."""


@dataclass(frozen=True)
class DenoisingConvolutionalConfig:
    """Filters of the levels, channels of the codings, activation and the shape of an image.

    Args:
        filters: Of the convolutions of each level, outermost first; each level halves height and
            width, rounded up.
        blocks: Residual blocks of a level, in the encoder and again in the decoder.
        coding: Channels of the codings; None for as many numbers as the image has.
        shape: Of an image: (height, width) gray or (height, width, 3) in colour.
        activation: Inside the residual blocks.

    Raises:
        ValueError: The image is too small to be halved so often.
    """

    filters: tuple[int, ...] = (48, 96)
    blocks: int = 1
    coding: int | None = None
    shape: tuple[int, ...] = IMAGE
    activation: str = "relu"

    def __post_init__(self) -> None:
        height, width = self.shape[:2]
        levels = min(height, width).bit_length() - 1
        if not 1 <= len(self.filters) <= levels:
            raise ValueError(
                f"filters: expected 1 to {levels} numbers for images of {width}x{height}, as each "
                f"halves the image, received {len(self.filters)}"
            )

    @property
    def channels(self) -> int:
        """Numbers of a pixel."""
        return 1 if len(self.shape) == 2 else self.shape[2]

    def carried(self, level: int) -> int:
        """Channels that hold the pixels after so many levels, each of which quarters their places.

        Args:
            level: How often the image was halved.
        """
        return self.channels << 2 * level


def build(
    config: DenoisingConvolutionalConfig, *, seed: int, corruption: keras.layers.Layer
) -> Autoencoder:
    """Return a denoiser: images (batch, *shape) -> codings (batch, h, w, coding).

    Images of 28x28 and two levels give codings of (7, 7, 16). Nothing but the codings goes from
    the encoder to the decoder. Convolutions halve and transposed ones double; at each size there
    are residual blocks (He et al., 2016, arXiv 1603.05027).

    Args:
        config: Filters, channels of the codings, shape.
        seed: Of the initial weights.
        corruption: Noise layer before the first convolution, active in training only.
    """
    keras.utils.set_random_seed(seed)
    layers, shape = keras.layers, config.shape
    levels = range(len(config.filters))
    coding = config.coding or config.carried(len(levels))

    images = keras.Input(shape, name="images")
    x = layers.Reshape((*shape[:2], config.channels))(corruption(images))
    sizes = []
    for level in levels:
        sizes.append(x.shape[1:3])
        halving = layers.Conv2D(config.filters[level], KERNEL, strides=2, padding="same")
        x = halving(x)
        _carry_down(halving, config.carried(level))
        x = _blocks(x, config, level)
    narrow = layers.Conv2D(coding, 1, name="codings")
    encoder = keras.Model(images, narrow(x), name="encoder")

    codings = keras.Input(encoder.output_shape[1:], name="codings")
    wide = layers.Conv2D(config.filters[-1], 1)
    x = wide(codings)
    for layer in (narrow, wide):
        _carry_on(layer, config.carried(len(levels)))
    for level in reversed(levels):
        x = _blocks(x, config, level)
        filters = config.filters[level - 1] if level else config.channels
        doubling = layers.Conv2DTranspose(filters, KERNEL, strides=2, padding="same")
        x = doubling(x)
        _carry_up(doubling, config.carried(level))
        odd = [(0, side % 2) for side in sizes[level]]
        if any(after for _, after in odd):
            x = layers.Cropping2D(tuple(odd))(x)
    decoder = keras.Model(codings, layers.Reshape(shape, name="pixels")(x), name="decoder")
    return chain(encoder, decoder, name="denoising_convolutional")


def _blocks(x: Any, config: DenoisingConvolutionalConfig, level: int) -> Any:
    """Residual blocks, which change nothing before they are trained."""
    layers, filters = keras.layers, config.filters[level]
    for _ in range(config.blocks):
        y = layers.Conv2D(filters, 3, padding="same", activation=config.activation)(x)
        y = layers.Conv2D(filters, 3, padding="same", kernel_initializer="zeros")(y)
        x = layers.Add()([x, y])
    return x


def _carry_down(layer: keras.layers.Layer, channels: int) -> None:
    """Let a convolution put the four pixels of a square of each channel into channels of its own.

    The first pixels go on where there are fewer filters than that.
    """
    kernel, bias = layer.get_weights()
    kernel[..., : 4 * channels] = 0
    for channel, row, column in product(range(channels), range(2), range(2)):
        to = 4 * channel + 2 * row + column
        if channel < kernel.shape[2] and to < kernel.shape[3]:
            kernel[row + 1, column + 1, channel, to] = 1
    layer.set_weights([kernel, bias])


def _carry_up(layer: keras.layers.Layer, channels: int) -> None:
    """Let a transposed convolution put them back."""
    kernel, bias = layer.get_weights()
    kernel[:, :, :channels] = 0
    for channel, row, column in product(range(channels), range(2), range(2)):
        of = 4 * channel + 2 * row + column
        if channel < kernel.shape[2] and of < kernel.shape[3]:
            kernel[row + 1, column + 1, channel, of] = 1
    layer.set_weights([kernel, bias])


def _carry_on(layer: keras.layers.Layer, channels: int) -> None:
    """Let a 1x1 convolution give the channels that hold the pixels as they are."""
    kernel, bias = layer.get_weights()
    kernel[..., :channels] = 0
    both = range(min(channels, *kernel.shape[2:]))
    kernel[0, 0, both, both] = 1
    layer.set_weights([kernel, bias])
