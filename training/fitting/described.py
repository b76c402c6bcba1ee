"""A trained autoencoder as its report describes and runs it."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from training.autoencoders.autoencoder import Autoencoder
from training.autoencoders.recurrent import KnownSteps
from training.fitting.masked import filled
from training.fitting.record import TrainingRecord
from training.pixel_noise import Floats
from training.scaling import Scaling

BATCH = 1024

Run = Callable[[Floats], Floats]
"""Items -> what a model makes of them, both raw."""


def runs(autoencoder: Autoencoder, scaling: Scaling | None) -> tuple[Run, Run]:
    """Return what encodes raw items, and what reconstructs them, in raw numbers again.

    Args:
        autoencoder: The model.
        scaling: What raw items are scaled by; None where the model takes them as they are.
    """
    masks = [each for each in autoencoder.whole.layers if isinstance(each, KnownSteps)]
    encoder = autoencoder.encoder
    if masks:
        images = autoencoder.whole.input
        encoder = keras.Model(images, encoder(images, mask=masks[0](images)))

    def inputs(items: Floats) -> Floats:
        return filled(scaling.scaled(items) if scaling else items, pads=bool(masks))

    def encode(items: Floats) -> Floats:
        return _predicted(encoder, inputs(items))

    def reconstruct(items: Floats) -> Floats:
        restored = _predicted(autoencoder.whole, inputs(items))
        if masks:  # after the end of a sequence there is nothing to reconstruct
            restored[np.isnan(items).all(axis=2)] = np.nan
        return restored * scaling.scale + scaling.mean if scaling else restored

    return encode, reconstruct


def facts(record: TrainingRecord, autoencoder: Autoencoder) -> dict[str, str]:
    """Return what a training was, by name."""
    shape = autoencoder.encoder.output_shape[1:]
    return {
        "encoder": ", ".join(_layers(autoencoder.encoder)),
        "decoder": ", ".join(_layers(autoencoder.decoder)),
        "numbers of a coding": "x".join(map(str, shape)),
        "weights": f"{autoencoder.whole.count_params():,}",
        "settings": record.settings,
        "epochs": str(record.epochs),
        "seed": str(record.seed),
        "ended": record.trained_at,
        "versions": ", ".join(f"{name} {version}" for name, version in record.versions.items()),
        "command": record.command,
    }


def _layers(model: keras.Model) -> Iterator[str]:
    """Yield the layers that compute something, with their widths and activations."""
    for layer in model.layers:
        config: dict[str, Any] = layer.get_config()
        width = config.get("units") or config.get("filters")
        if width is None and not layer.weights and type(layer).__module__.startswith("keras"):
            continue
        activation = config.get("activation")
        # An LSTM's tanh is what it always has.
        shown = activation if isinstance(activation, str) and activation != "tanh" else ""
        yield " ".join(filter(None, (type(layer).__name__, str(width or ""), shown)))


def _predicted(model: keras.Model, items: Floats) -> Floats:
    predicted: Floats = model.predict(items, batch_size=BATCH, verbose=0)
    return predicted
