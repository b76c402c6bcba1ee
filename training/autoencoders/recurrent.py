"""The recurrent autoencoder: LSTM layers over a sequence, or over an image as one of rows."""

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from training.autoencoders.autoencoder import Autoencoder, chain

ROW = 28
PADDING = -1e9
"""Every number of the steps that follow the last one of a sequence that is shorter than others."""


@dataclass(frozen=True)
class RecurrentConfig:
    """Units, activation and the shape of a sequence.

    Args:
        units: Of the outer LSTM layers.
        coding: Units of the coding.
        shape: (steps, *features) of a sequence, None for any number of steps.
        output_activation: Of the last layer: "linear", or "sigmoid" for numbers in [0, 1].
        pads: Whether batches have sequences of several lengths, padded at their ends. Both parts
            take sequences of one length at a time.
    """

    units: int = 100
    coding: int = 30
    shape: tuple[int | None, ...] = (None, ROW)
    output_activation: str = "sigmoid"
    pads: bool = False


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


@keras.saving.register_keras_serializable("autoencoders")
class KnownSteps(keras.layers.Layer):
    """Tell the steps of sequences from their padding: (batch, steps, features) -> (batch, steps).

    True where a number of the step is not that of padding, as a mask of recurrent layers has it.
    """

    def call(self, sequences: Any) -> Any:
        return ops.any(ops.not_equal(sequences, PADDING), axis=-1)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape[:-1]


@keras.saving.register_keras_serializable("autoencoders")
class MaskedEncoder(keras.Sequential):
    """Layers of which the last returns one vector of a sequence: a mask ends there."""

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:  # noqa: ARG002
        return None


def build(config: RecurrentConfig, *, seed: int) -> Autoencoder:
    """Return a recurrent autoencoder: sequences (batch, *shape) -> codings (batch, coding).

    Where the number of steps is free, the decoder's second input, (any, steps, 1), sets the number
    of steps to decode by its shape; its values are ignored.

    Args:
        config: Units of the layers and shape.
        seed: Of the initial weights.
    """
    keras.utils.set_random_seed(seed)
    steps, features = config.shape[0], math.prod(size or 1 for size in config.shape[1:])
    return _of_any_length(config, features) if steps is None else _fixed(config, steps, features)


def _of_any_length(config: RecurrentConfig, features: int) -> Autoencoder:
    layers = keras.layers
    sequential = MaskedEncoder if config.pads else keras.Sequential
    encoder = sequential(
        [
            keras.Input((None, features), name="images"),
            layers.LSTM(config.units, return_sequences=True),
            layers.LSTM(config.coding),
        ],
        name="encoder",
    )
    codings = keras.Input((config.coding,), name="codings")
    length = keras.Input((None, 1), name="length")
    hidden = layers.LSTM(config.units, return_sequences=True)(RepeatAlong()(codings, length))
    rows = layers.Dense(features, activation=config.output_activation, name="rows")(hidden)
    decoder = keras.Model([codings, length], rows, name="decoder")

    images = keras.Input((None, features), name="images")
    # The parts know no padding: a graph of the encoder takes sequences of one length.
    mask = KnownSteps(name="known")(images) if config.pads else None
    codings = encoder(images, mask=mask) if config.pads else encoder(images)
    whole = keras.Model(images, decoder([codings, images[:, :, :1]]), name="recurrent")
    return Autoencoder(whole, encoder, decoder)


def _fixed(config: RecurrentConfig, steps: int, features: int) -> Autoencoder:
    """Sequences of one length; a step of several dimensions, such as colours, is one vector."""
    layers = keras.layers
    encoder = keras.Sequential(
        [
            keras.Input(config.shape, name="images"),
            layers.Reshape((steps, features)),
            layers.LSTM(config.units, return_sequences=True),
            layers.LSTM(config.coding),
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            keras.Input((config.coding,), name="codings"),
            layers.RepeatVector(steps),
            layers.LSTM(config.units, return_sequences=True),
            layers.Dense(features, activation=config.output_activation, name="rows"),
            layers.Reshape(config.shape),
        ],
        name="decoder",
    )
    return chain(encoder, decoder, name="recurrent")
