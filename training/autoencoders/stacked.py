"""The stacked autoencoder: Dense layers, symmetric around the coding."""

from dataclasses import dataclass

import keras

from training.autoencoders.autoencoder import Autoencoder, chain

IMAGE = (28, 28)
PIXELS = 28 * 28


@dataclass(frozen=True)
class StackedConfig:
    """Widths of the hidden layers from the image inwards; the last is the coding."""

    units: tuple[int, ...] = (100, 30)
    output_activation: str = "linear"


def build(
    config: StackedConfig, *, seed: int, corruption: keras.Layer | None = None
) -> Autoencoder:
    """Return a stacked autoencoder: images (batch, 28, 28) in [0, 1] -> codings (batch, units[-1]).

    Args:
        config: Layer widths and output activation.
        seed: Of the initial weights.
        corruption: Noise layer before the first Dense layer, active in training only; it makes the
            model a denoising autoencoder (Vincent et al., 2010).
    """
    keras.utils.set_random_seed(seed)
    inwards = [keras.layers.Dense(n, activation="selu", name=f"hidden_{n}") for n in config.units]
    outwards = [
        keras.layers.Dense(n, activation="selu", name=f"hidden_{n}")
        for n in reversed(config.units[:-1])
    ]
    encoder = keras.Sequential(
        [
            keras.Input(IMAGE, name="images"),
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
            keras.layers.Dense(PIXELS, activation=config.output_activation, name="pixels"),
            keras.layers.Reshape(IMAGE),
        ],
        name="decoder",
    )
    return chain(encoder, decoder, name="stacked")
