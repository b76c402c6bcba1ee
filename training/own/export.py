"""Export a model of one's own data."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from service.manifest import Manifest, Provenance
from training import card, graphs
from training.fitting.record import TrainingRecord
from training.fitting.train import load
from training.own.preprocessing import Preprocessing
from training.own.space import named
from training.own.train import SAMPLES
from training.record import reading, versions


def export(run: Path, folder: Path) -> Manifest:
    """Write the graphs, the manifest and the card of a trained model.

    Args:
        run: The training's folder.
        folder: models/<name>/<version>/; it stays as it is where the export fails.

    Returns:
        The manifest as it was written.

    Raises:
        FileNotFoundError: The training has not ended.
        ParityError: A graph computes something else than Keras does.
        ValueError: A file of the run is damaged, or Keras runs on another backend than TensorFlow.
    """
    autoencoder, record = load(run)
    with reading(run / SAMPLES, "items to compare on"):
        samples = np.load(run / SAMPLES)
    own = record.own
    kept = Preprocessing.from_json(own)
    manifest = graphs.export(
        autoencoder,
        folder,
        summary=own["summary"],
        denoises=own["denoises"],
        inputs=graphs.Inputs(samples, kept.pixels, kept.rows, kept.scaling),
        provenance=_provenance(record),
    )
    card.write(manifest, folder)
    return manifest


def _searched(record: TrainingRecord) -> Iterator[str]:
    """Yield how the settings were found, where they were searched."""
    if found := record.own.get("search"):
        yield f"the best of {found['trials']} trials by Optuna: {named(found['best'])}"


def _provenance(record: TrainingRecord) -> Provenance:
    own = record.own
    data, broken = own["data"], own.get("broken")
    left_out = f"; {broken:,} broken left out" if broken else ""
    return Provenance(
        dataset=f"{Path(data['path']).name} ({own['trained_on']} to train on{left_out})",
        dataset_licence=data["licence"],
        data=data,
        seed=record.seed,
        epochs=record.epochs,
        settings="; ".join([record.settings, *_searched(record)]),
        command=record.command,
        trained_at=datetime.fromisoformat(record.trained_at),
        versions=record.versions | versions("tensorflow", "tf2onnx", "onnx", "onnxruntime"),
    )
