"""Evaluate an exported model of one's own data through the code that serves it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from service.inference.loader import load as load_model
from service.inference.model import LoadedModel
from service.manifest import Manifest, Measurement
from training import card
from training.datasets.description import parse
from training.datasets.items import DataSet
from training.measurement import CLEAN, MODEL, measurement
from training.own.data import load
from training.pixel_noise import Floats

NAMES = {"images": "images", "sequences": "sequences", "table": "rows"}


def evaluate(folder: Path, data: Path | None) -> Manifest:
    """Measure the ONNX graphs of a model, and rewrite manifest and card.

    Args:
        folder: models/<name>/<version>/.
        data: Where the data are now, if not where they were in training.

    Returns:
        The manifest with the figures.

    Raises:
        StartupError: The folder cannot be served.
        ValueError: The data are others than those of the training.
    """
    model = load_model(folder)
    fields = dict(model.manifest.provenance.data or {})
    expected = fields.pop("sha256", "")
    description = parse(fields | ({"path": str(data)} if data else {}), f"{folder}: data")
    found = load(description)
    if found.digest != expected:
        raise ValueError(
            f"--data: expected the data that {model.name} was trained on, received others in "
            f"{description.path}"
        )
    name = NAMES[description.kind]
    measurements = tuple(_measure(model, found, name))
    manifest = model.manifest.model_copy(update={"measurements": measurements})
    manifest.write(folder)
    card.write(manifest, folder)
    return manifest


def _measure(model: LoadedModel, data: DataSet, name: str) -> Iterator[Measurement]:
    for part, items in (("validation", data.validation), ("test", data.test)):
        if len(items):
            errors = np.concatenate([_errors(model, data, batch) for batch in items.batches()])
            error = float(np.nanmean(errors, dtype=np.float64))
            yield measurement("mse", f"{len(items):,} {part} {name}", CLEAN, MODEL, error)


def _errors(model: LoadedModel, data: DataSet, items: Floats) -> Floats:
    """Return the squared errors of scaled numbers, NaN where one is missing."""
    reconstructions = model.infer("reconstruct", items)
    errors: Floats = (data.scaled(items) - data.scaled(reconstructions)) ** 2
    return errors
