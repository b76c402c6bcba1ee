"""The convolutional autoencoder: convolutions and pooling down, transposed convolutions up."""

from dataclasses import dataclass
from typing import Any

import keras

from training.autoencoders.autoencoder import Autoencoder, chain
from training.autoencoders.stacked import IMAGE


@dataclass(frozen=True)
class ConvolutionalConfig:
    """Filters, activation and the shape of an image.

    Args:
        filters: Of the encoder's convolutions, outermost first; each one halves height and width,
            rounded down.
        shape: Of an image: (height, width) gray or (height, width, 3) in colour.
        activation: Of all layers but the last, whose sigmoid gives numbers in [0, 1].

    Raises:
        ValueError: The image is too small to be halved so often.
    """

    filters: tuple[int, ...] = (16, 32, 64)
    shape: tuple[int, ...] = IMAGE
    activation: str = "selu"

    def __post_init__(self) -> None:
        levels = min(self.shape[:2]).bit_length() - 1
        if not 1 <= len(self.filters) <= levels:
            height, width = self.shape[:2]
            raise ValueError(
                f"filters: expected 1 to {levels} numbers for images of {width}x{height}, as each "
                f"halves the image, received {len(self.filters)}"
            )


def build(config: ConvolutionalConfig, *, seed: int) -> Autoencoder:
    """Return a convolutional autoencoder: images (batch, *shape) -> codings (batch, h, w, filters).

    Images of 28x28 and three levels give codings of (3, 3, 64).

    Args:
        config: Filters of each convolution; the last is the number of channels of the codings.
        seed: Of the initial weights.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    height, width = config.shape[:2]
    channels = 1 if len(config.shape) == 2 else config.shape[2]
    encoder = keras.Sequential([keras.Input(config.shape, name="images")], name="encoder")
    if len(config.shape) == 2:
        encoder.add(layers.Reshape((height, width, 1)))
    sizes = [(height, width)]
    for filters in config.filters:
        encoder.add(layers.Conv2D(filters, 3, padding="same", activation=config.activation))
        encoder.add(layers.MaxPool2D(2))
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    decoder = keras.Sequential(
        [keras.Input((*sizes[-1], config.filters[-1]), name="codings")], name="decoder"
    )
    for depth in reversed(range(len(config.filters))):
        inner = depth > 0
        filters = config.filters[depth - 1] if inner else channels
        activation = config.activation if inner else "sigmoid"
        for layer in _doubling(filters, activation, sizes[depth]):
            decoder.add(layer)
    if len(config.shape) == 2:
        decoder.add(layers.Reshape(config.shape))
    return chain(encoder, decoder, name="convolutional")


def _doubling(filters: int, activation: str, size: tuple[int, int]) -> list[Any]:
    """The layers that double height and width to a size, odd where it was rounded down.

    "valid" turns n into 2n + 1, "same" into 2n. Where only one side is odd, the other is cropped.
    """
    odd = [side % 2 for side in size]
    transposed = keras.layers.Conv2DTranspose(
        filters, 3, strides=2, padding="valid" if any(odd) else "same", activation=activation
    )
    if all(odd) or not any(odd):
        return [transposed]
    return [transposed, keras.layers.Cropping2D(tuple((0, 1 - each) for each in odd))]
