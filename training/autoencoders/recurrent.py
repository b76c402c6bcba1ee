"""The recurrent autoencoder: LSTM layers over an image as a sequence of rows."""

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from training.autoencoders.autoencoder import Autoencoder

ROW = 28


@dataclass(frozen=True)
class RecurrentConfig:
    """Units of the outer LSTM layers and of the coding."""

    units: int = 100
    coding: int = 30


@keras.saving.register_keras_serializable("autoencoders")
class RepeatAlong(keras.layers.Layer):
    """Repeat vectors along a sequence: (batch, width), (any, steps, ...) -> (batch, steps, width).

    Unlike keras.layers.RepeatVector, the number of steps may differ between calls.
    """

    def call(self, vectors: Any, sequence: Any) -> Any:
        batch, width = ops.shape(vectors)[0], vectors.shape[-1]
        steps = ops.shape(sequence)[1]
        return ops.broadcast_to(ops.expand_dims(vectors, 1), (batch, steps, width))

    def compute_output_shape(self, vectors_shape: Any, sequence_shape: Any) -> Any:
        return (vectors_shape[0], sequence_shape[1], vectors_shape[1])


def build(config: RecurrentConfig, *, seed: int) -> Autoencoder:
    """Return a recurrent autoencoder: sequences (batch, steps, 28) -> codings (batch, coding).

    The decoder's second input, (any, steps, 1), sets the number of steps to decode by its shape;
    its values are ignored.

    Args:
        config: Units of the layers.
        seed: Of the initial weights.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    encoder = keras.Sequential(
        [
            keras.Input((None, ROW), name="images"),
            layers.LSTM(config.units, return_sequences=True),
            layers.LSTM(config.coding),
        ],
        name="encoder",
    )
    codings = keras.Input((config.coding,), name="codings")
    length = keras.Input((None, 1), name="length")
    hidden = layers.LSTM(config.units, return_sequences=True)(RepeatAlong()(codings, length))
    rows = layers.Dense(ROW, activation="sigmoid", name="rows")(hidden)
    decoder = keras.Model([codings, length], rows, name="decoder")

    images = keras.Input((None, ROW), name="images")
    whole = keras.Model(images, decoder([encoder(images), images[:, :, :1]]), name="recurrent")
    return Autoencoder(whole, encoder, decoder)
