"""The convolutional autoencoder: convolutions and pooling down, transposed convolutions up."""

from dataclasses import dataclass

import keras

from training.autoencoders.autoencoder import Autoencoder, chain


@dataclass(frozen=True)
class ConvolutionalConfig:
    """Filters of the encoder's convolutions, outermost first; each one halves height and width."""

    filters: tuple[int, int, int] = (16, 32, 64)


def build(config: ConvolutionalConfig, *, seed: int) -> Autoencoder:
    """Return a convolutional autoencoder: images (batch, 28, 28) -> codings (batch, 3, 3, 64).

    Args:
        config: Filters of each convolution; the last is the number of channels of the codings.
        seed: Of the initial weights.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    first, second, third = config.filters
    encoder = keras.Sequential(
        [keras.Input((28, 28), name="images"), layers.Reshape((28, 28, 1))], name="encoder"
    )
    for filters in config.filters:
        encoder.add(layers.Conv2D(filters, 3, padding="same", activation="selu"))
        encoder.add(layers.MaxPool2D(2))
    decoder = keras.Sequential(
        [
            keras.Input((3, 3, third), name="codings"),
            # "valid" turns 3 into 7, which two doublings turn into 28.
            layers.Conv2DTranspose(second, 3, strides=2, padding="valid", activation="selu"),
            layers.Conv2DTranspose(first, 3, strides=2, padding="same", activation="selu"),
            layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
            layers.Reshape((28, 28)),
        ],
        name="decoder",
    )
    return chain(encoder, decoder, name="convolutional")
