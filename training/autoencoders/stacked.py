"""The stacked autoencoder: Dense layers, symmetric around the coding."""

import math
from collections import Counter
from dataclasses import dataclass

import keras

from training.autoencoders.autoencoder import Autoencoder, chain

IMAGE = (28, 28)


@dataclass(frozen=True)
class StackedConfig:
    """Widths, activations and the shape of an item.

    Args:
        units: Widths of the hidden layers from the item inwards; the last is the coding.
        output_activation: Of the last layer: "linear", or "sigmoid" for numbers in [0, 1].
        shape: Of an item, without the batch.
        activation: Of the hidden layers and of the coding.
    """

    units: tuple[int, ...] = (100, 30)
    output_activation: str = "linear"
    shape: tuple[int, ...] = IMAGE
    activation: str = "selu"


def build(
    config: StackedConfig, *, seed: int, corruption: keras.Layer | None = None
) -> Autoencoder:
    """Return a stacked autoencoder: items (batch, *shape) -> codings (batch, units[-1]).

    Args:
        config: Layer widths, activations and shape.
        seed: Of the initial weights.
        corruption: Noise layer before the first Dense layer, active in training only; it makes the
            model a denoising autoencoder (Vincent et al., 2010).
    """
    keras.utils.set_random_seed(seed)
    inwards = [_dense(config, index) for index in range(len(config.units))]
    outwards = [_dense(config, index) for index in reversed(range(len(config.units) - 1))]
    encoder = keras.Sequential(
        [
            keras.Input(config.shape, name="images"),
            keras.layers.Flatten(),
            *([corruption] if corruption else []),
            *inwards,
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            keras.Input(config.units[-1:], name="codings"),
            *outwards,
            keras.layers.Dense(
                math.prod(config.shape), activation=config.output_activation, name="pixels"
            ),
            keras.layers.Reshape(config.shape),
        ],
        name="decoder",
    )
    return chain(encoder, decoder, name="stacked")


def _dense(config: StackedConfig, index: int) -> keras.layers.Dense:
    """A hidden layer, named by its width and, where others are as wide, by its depth."""
    units = config.units[index]
    repeated = Counter(config.units)[units] > 1
    name = f"hidden_{units}_{index + 1}" if repeated else f"hidden_{units}"
    return keras.layers.Dense(units, activation=config.activation, name=name)
