"""Fit a model with a cosine schedule, early stopping, and checkpoints to resume from."""

import math
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras

from training import history
from training.fitting import masked, root_mse
from training.fitting.muon import ConvolutionMuon
from training.fitting.patience import Patience
from training.fitting.progress import Progress
from training.fitting.settings import FitSettings
from training.fitting.stream import Batches
from training.pixel_noise import Floats
from training.record import reading

Watch = Callable[[int, float], None]
LOSSES: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {**masked.LOSSES, root_mse.NAME: root_mse.root_mse}
)
"""Those that are not Keras's."""


@dataclass(frozen=True)
class Examples:
    """Inputs and the outputs that a model is to compute of them, arrays of the same length.

    Args:
        inputs: Finite numbers.
        targets: NaN where a number is missing, which the masked loss leaves out.
    """

    inputs: Floats
    targets: Floats

    @classmethod
    def of(cls, values: Floats, *, pads: bool = False) -> "Examples":
        """Return values as inputs and as targets; where one is NaN, the input is filled."""
        return cls(masked.filled(values, pads=pads), values)

    def __len__(self) -> int:
        return len(self.inputs)


def fit(
    model: keras.Model,
    train: Examples | Batches,
    validation: Examples,
    settings: FitSettings,
    folder: Path,
    *,
    verbose: int | None = None,
    watch: Watch | None = None,
) -> int:
    """Fit a model in place and leave it with the weights of its best epoch.

    A fit that was stopped resumes after its last whole epoch when it is called with the same
    folder again; one that has ended only loads its weights.

    Args:
        model: The model, uncompiled.
        train: Examples to fit, in memory or read while the model trains.
        validation: Examples whose MSE chooses the best epoch and stops the fit early.
        settings: Optimizer, schedule and loss.
        folder: Receives history.csv (a row an epoch), best.weights.h5, TensorBoard logs and,
            until the fit has ended, a checkpoint.
        verbose: Keras's verbosity; by default one progress bar on a terminal, else a line an epoch.
        watch: Receives each epoch, from 0, and its validation MSE; what it raises ends the fit.

    Returns:
        The number of epochs run, those before a stop included.

    Raises:
        FloatingPointError: The loss is infinite or NaN; the folder is removed, as there is nothing
            to resume from.
        ValueError: A file of the folder is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log, best, ended = folder / history.FILE_NAME, folder / "best.weights.h5", folder / "ended"
    rows = history.read(log, "loss", "val_mse")
    if not ended.exists():
        count = train.count() if isinstance(train, Batches) else len(train)
        steps = math.ceil(count / settings.batch_size)
        model.compile(
            optimizer=(ConvolutionMuon if settings.convolutions else keras.optimizers.Muon)(
                _schedule(settings, steps), weight_decay=0.0, adam_weight_decay=0.0
            ),
            loss=LOSSES.get(settings.loss, settings.loss),
            loss_weights=settings.loss_weight,
            metrics=[masked.ItemMse() if settings.loss in masked.LOSSES else "mse"],
        )
        data = (
            {"x": train}
            if isinstance(train, Batches)
            else {"x": train.inputs, "y": train.targets, "batch_size": settings.batch_size}
        )
        model.fit(
            **data,
            validation_data=(validation.inputs, validation.targets),
            validation_batch_size=settings.batch_size,
            epochs=settings.epochs,
            verbose=(0 if sys.stderr.isatty() else 2) if verbose is None else verbose,
            callbacks=[
                *([Progress(count, settings.batch_size)] if verbose is None else []),
                *_callbacks(folder, log, best, settings, rows),
                *([_watching(watch)] if watch else []),
            ],
        )
        rows = history.read(log, "loss", "val_mse")
        if not rows or not all(math.isfinite(row["loss"]) for row in rows):
            shutil.rmtree(folder)
            raise FloatingPointError(f"{model.name}: expected a finite loss, received {rows[-1:]}")
    with reading(best, "weights of the model"):
        model.load_weights(str(best))
    ended.touch()
    return len(rows)


def _watching(watch: Watch) -> Any:
    def told(epoch: int, logs: Any) -> None:
        if math.isfinite(error := float(logs["val_mse"])):
            watch(epoch, error)

    return keras.callbacks.LambdaCallback(on_epoch_end=told)


def _callbacks(
    folder: Path, log: Path, best: Path, settings: FitSettings, rows: list[Any]
) -> list[Any]:
    callbacks = keras.callbacks
    # Keras writes TensorBoard's logs through TensorFlow, whatever the backend.
    boards = [callbacks.TensorBoard(str(folder / "logs"), write_graph=False)]
    return [
        callbacks.TerminateOnNaN(),
        # Before the row: a row whose weights were not saved would set a threshold without a file.
        callbacks.ModelCheckpoint(
            str(best),
            monitor="val_mse",
            mode="min",
            save_best_only=True,
            save_weights_only=True,
            initial_value_threshold=min((row["val_mse"] for row in rows), default=None),
        ),
        callbacks.CSVLogger(str(log), append=bool(rows)),
        Patience(settings.patience, [row["val_mse"] for row in rows]),
        *(boards if find_spec("tensorflow") else []),
        # Last: a stop between two callbacks then repeats the epoch instead of losing its row.
        callbacks.BackupAndRestore(str(folder / "checkpoint"), double_checkpoint=True),
    ]


def _schedule(settings: FitSettings, steps_per_epoch: int) -> Any:
    steps = settings.epochs * steps_per_epoch
    warmup = steps // 20
    return keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 10,
        steps - warmup,
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
    )
