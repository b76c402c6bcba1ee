"""Greedy training: one shallow autoencoder at a time, from the outside inwards.

Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2006. Each phase trains a hidden
layer of the encoder with the layer of the decoder that mirrors it, on the codings of the phase
before. The shallow autoencoders share these layers with the stacked one, so that when the last
phase ends the sandwich is already there.
"""

from collections.abc import Callable
from pathlib import Path

import keras

from training.autoencoders.autoencoder import Autoencoder
from training.fashion.fit import Examples, fit
from training.fashion.noise import Floats
from training.fashion.settings import FitSettings


def shallow_pairs(autoencoder: Autoencoder) -> list[tuple[keras.layers.Dense, keras.layers.Dense]]:
    """Return (hidden layer, output layer) of each phase, outermost first.

    Raises ValueError where encoder and decoder are not as many Dense layers each.
    """
    hidden, outputs = (
        [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
        for model in (autoencoder.encoder, autoencoder.decoder)
    )
    if not hidden or len(hidden) != len(outputs):
        raise ValueError(
            "expected as many Dense layers in the decoder as in the encoder, at least one, "
            f"received {len(outputs)} and {len(hidden)}"
        )
    return list(zip(hidden, reversed(outputs), strict=True))


def fit_greedily(
    autoencoder: Autoencoder,
    train: Floats,
    validation: Floats,
    settings: FitSettings,
    folder: Path,
    *,
    announce: Callable[[str], None],
) -> int:
    """Fit a stacked autoencoder in place, layer by layer; return the epochs run, of all phases.

    train, validation: images (n, 28, 28) in [0, 1]; the folder receives phase-1, phase-2, … with
    what fit() leaves. A phase that had ended before the training was stopped is not run again.
    """
    epochs = 0
    inputs, held_out = (images.reshape(len(images), -1) for images in (train, validation))
    for number, (hidden, output) in enumerate(shallow_pairs(autoencoder), start=1):
        announce(f"phase {number}: {inputs.shape[1]} -> {hidden.units} -> {output.units}")
        source = keras.Input(inputs.shape[1:])
        phase = keras.Model(source, output(hidden(source)), name=f"phase-{number}")
        epochs += fit(
            phase,
            Examples(inputs, inputs),
            Examples(held_out, held_out),
            settings,
            folder / phase.name,
        )
        encode = keras.Model(source, hidden(source))
        inputs, held_out = (
            encode.predict(values, batch_size=1024, verbose=0) for values in (inputs, held_out)
        )
    return epochs
