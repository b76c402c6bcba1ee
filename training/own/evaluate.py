"""Evaluate an exported model of one's own data through the code that serves it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from service.inference.loader import load as load_model
from service.inference.model import LoadedModel
from service.inference.scores import scores
from service.manifest import Manifest, Measurement
from training import card
from training.calibration import ScoresAlike, calibrate
from training.datasets.description import Description
from training.datasets.equal_items import has_numbers
from training.datasets.items import DataSet
from training.measurement import CLEAN, MODEL, measurement
from training.own.data import ITEMS, OtherData, reload
from training.own.quality import NEIGHBOURS, nearest_neighbours, restoring
from training.results import Windows


def evaluate(folder: Path, data: Path | None) -> Manifest:
    """Measure the ONNX graphs of a model, calibrate its scores, and rewrite manifest and card.

    Args:
        folder: models/<name>/<version>/.
        data: Where the data are now, if not where they were in training.

    Returns:
        The manifest with the figures, without a calibration where scores are alike.

    Raises:
        StartupError: The folder cannot be served.
        OtherData: The data are others than those of the training.
    """
    model = load_model(folder)
    try:
        description, found = reload(model.manifest.provenance.data or {}, data, model.name)
    except OtherData as error:
        raise OtherData(f"{error}; calibrate {model.name} places a threshold by others") from error
    name = ITEMS[description.kind]
    calibrated = f"{len(found.validation):,} validation {name}{_overlap(description, found)}"
    figures = tuple(_measure(model, found, name))
    try:
        calibration = calibrate(model, found.validation.batches(), calibrated)
    except ScoresAlike:
        calibration = None
    manifest = model.manifest.model_copy(
        update={"measurements": figures, "calibration": calibration}
    )
    manifest.write(folder)
    card.write(manifest, folder)
    return manifest


def _overlap(description: Description, data: DataSet) -> str:
    """Return how many windows do not overlap, by which a threshold is to be judged."""
    if description.kind != "sequences" or description.window is None:
        return ""
    apart = Windows(data.validation.indices, description.window.steps).apart()
    return f", of which {apart:,} do not overlap" if apart < len(data.validation) else ""


def _measure(model: LoadedModel, data: DataSet, name: str) -> Iterator[Measurement]:
    parts = {
        f"{len(items):,} {part} {name}": items
        for part, items in (("validation", data.validation), ("test", data.test))
        if len(items)
    }
    rows = model.manifest.rows
    for of, items in parts.items():
        if not has_numbers(items):
            continue
        errors = [
            scores(batch, model.infer("reconstruct", batch), rows) for batch in items.batches()
        ]
        yield measurement("mse", of, CLEAN, MODEL, float(np.nanmean(np.concatenate(errors))))
    if data.pixels:
        of, items = list(parts.items())[-1]
        yield from restoring(model, items, of)
    if data.labels is not None:
        of, items = list(parts.items())[-1]
        share = nearest_neighbours(model, data, items)
        if share is not None:
            count = len(data.classified(items))
            of = of if count == len(items) else f"{count:,} of {of}, those with a class"
            yield measurement("accuracy", of, CLEAN, NEIGHBOURS, share)
