"""Calibrate the scores of an exported model on other data than those of its training."""

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from service.calibration import Calibration
from service.inference.anomalies import threshold
from service.inference.loader import load as load_model
from service.inference.model import LoadedModel
from service.inference.scores import Numbers, scores
from service.manifest import Manifest
from training import card
from training.calibration import summary
from training.datasets.description import Description
from training.indexing.piece import Piece
from training.own.data import reload
from training.own.others import describe, named, pieces
from training.own.sources.rows import Columns


def calibrate(folder: Path, options: Namespace) -> Manifest:
    """Calibrate a model on all items of data, and rewrite its manifest and card.

    Args:
        folder: models/<name>/<version>/.
        options: Those of the command line.

    Returns:
        The manifest with the calibration.

    Raises:
        StartupError: The folder cannot be served.
        InvalidValue: The items are too few for the rate of false alarms.
        OSError: The data cannot be read.
        ValueError: The model has no scores; the data are not as it takes them, or those that it
            was trained on; or all scores are alike.
    """
    model = load_model(folder)
    manifest = model.manifest
    if "reconstruct" not in model.batchers:
        raise ValueError(f"name: expected a model that reconstructs, received {model.name}")
    description = describe(manifest, options)
    _check_apart(manifest, description)
    read = pieces(manifest, description, Columns(None, None, description.series), print)
    found, apart = _scored(model, read)
    of = f"{len(found):,} {named(description)}"
    if apart < len(found):
        of += f", of which {apart:,} do not overlap"
    calibration = summary(found, of)
    threshold(calibration, options.false_alarm_rate)  # refuses a rate before anything is written
    manifest = manifest.model_copy(update={"calibration": calibration})
    manifest.write(folder)
    card.write(manifest, folder)
    return manifest


def in_words(calibration: Calibration, rate: float | None = None) -> str:
    """Return the threshold for a rate of false alarms, the default one where it is None."""
    above = threshold(calibration, rate)
    return (
        f"threshold {above.score:.4g} for {100 * above.rate:.3g} % false alarms, by "
        f"{calibration.data}"
    )


def _check_apart(manifest: Manifest, description: Description) -> None:
    """Raise ValueError where data are those of the training, of which most were fitted to."""
    kept = manifest.provenance.data
    if kept is None:
        return
    try:
        reload(kept, Path(description.path), manifest.name)
    except ValueError:
        return  # others, or not as the training would read them
    raise ValueError(
        f"--data: expected data that {manifest.name} was not trained on, received those of its "
        "training; evaluate calibrates on their validation part"
    )


def _scored(model: LoadedModel, read: Iterable[Piece]) -> tuple[Numbers, int]:
    """Return the scores of items, and how many of them share no row."""
    rows = model.manifest.rows
    window = rows.window if rows else None
    every = -(-window.steps // window.stride) if window else 1

    found, apart = [], 0
    for piece in read:
        count, first = len(piece.ids), piece.first
        found.append(scores(piece.inputs, model.infer("reconstruct", piece.inputs), rows))
        apart += (
            count if first is None else sum(n % every == 0 for n in range(first, first + count))
        )
    return np.concatenate(found) if found else np.empty(0), apart
