"""Greedy layer-wise training: one shallow autoencoder at a time, from the outside inwards.

Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2006. Each phase trains a hidden
layer of the encoder with the mirrored layer of the decoder, on the codings of the phase before.
The shallow autoencoders share their layers with the stacked one, which is thereby trained.
"""

from collections.abc import Callable
from pathlib import Path

import keras

from training.autoencoders.autoencoder import Autoencoder
from training.fitting.fit import Examples, fit
from training.fitting.masked import filled
from training.fitting.settings import FitSettings
from training.pixel_noise import Floats


def shallow_pairs(autoencoder: Autoencoder) -> list[tuple[keras.layers.Dense, keras.layers.Dense]]:
    """Return the hidden layer and the output layer of each phase, outermost first.

    Raises:
        ValueError: Encoder and decoder have different numbers of Dense layers.
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
    verbose: int | None = None,
) -> int:
    """Fit a stacked autoencoder in place, layer by layer.

    Args:
        autoencoder: The autoencoder, of Dense layers.
        train: Items (n, ...), such as images in [0, 1].
        validation: Items of the same kind, to stop each phase early with.
        settings: How each phase is fitted.
        folder: Receives a folder of `fit` for each phase, phase-1, phase-2, …; phases that have
            ended there are not run again.
        announce: Receives a line at the start of each phase.
        verbose: As `fit` has it.

    Returns:
        The number of epochs of all phases.
    """
    epochs = 0
    inputs, held_out = (items.reshape(len(items), -1) for items in (train, validation))
    for number, (hidden, output) in enumerate(shallow_pairs(autoencoder), start=1):
        announce(f"phase {number}: {inputs.shape[1]} -> {hidden.units} -> {output.units}")
        source = keras.Input(inputs.shape[1:])
        phase = keras.Model(source, output(hidden(source)), name=f"phase-{number}")
        epochs += fit(
            phase,
            Examples.of(inputs),
            Examples.of(held_out),
            settings,
            folder / phase.name,
            verbose=verbose,
        )
        encode = keras.Model(source, hidden(source))
        inputs, held_out = (
            encode.predict(filled(values), batch_size=1024, verbose=0)
            for values in (inputs, held_out)
        )
    return epochs
