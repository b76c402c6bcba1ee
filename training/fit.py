"""Fit a model: shuffled batches, a cosine schedule, early stopping, checkpoints to resume from."""

import math
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras

from training import history
from training.noise import Floats


@dataclass(frozen=True)
class FitSettings:
    """How a model is fitted: Muon, its learning rate rising at first, then falling along a cosine.

    Muon (Jordan et al., 2024; Liu et al., arXiv 2502.16982) orthogonalises the updates of
    matrices, and leaves the plain minimum that Adam stays in for long: the codings of a stacked
    autoencoder that are no better than principal components. What is no matrix (biases, the
    kernels of convolutions) Keras's Muon updates as Adam does.

    epochs: at most; learning_rate: at its highest; loss: a Keras loss, and loss_weight what it
    counts beside the model's own penalties; patience: epochs without a better validation MSE
    before training stops.
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 4e-3
    loss: str = "mse"
    loss_weight: float = 1.0
    patience: int = 10

    def __str__(self) -> str:
        loss = f"{self.loss_weight:g} x {self.loss}"
        return (
            f"{self.epochs} epochs at most, patience {self.patience}, batches of "
            f"{self.batch_size}, Muon with a learning rate up to {self.learning_rate:g}, {loss}"
        )


@dataclass(frozen=True)
class Examples:
    """Inputs and what the model should answer to them, arrays of the same length."""

    inputs: Floats
    targets: Floats


def fit(
    model: keras.Model,
    train: Examples,
    validation: Examples,
    settings: FitSettings,
    folder: Path,
    *,
    verbose: int | None = None,
) -> int:
    """Fit a model in place, leave it with its best weights and return the number of epochs run.

    The folder receives history.csv (a row an epoch), best.weights.h5, logs for TensorBoard and,
    while training is under way, a checkpoint: called again with the same folder after it was
    stopped, it resumes after the last whole epoch, and after it has ended, it runs nothing more.
    Best means the lowest MSE on the validation examples. Raises FloatingPointError where the loss
    becomes infinite or NaN; the folder is removed then, as there is nothing in it to resume from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log, best, ended = folder / history.FILE_NAME, folder / "best.weights.h5", folder / "ended"
    rows = history.read(log)
    if not ended.exists():
        model.compile(
            optimizer=keras.optimizers.Muon(
                _schedule(settings, len(train.inputs)), weight_decay=0.0, adam_weight_decay=0.0
            ),
            loss=settings.loss,
            loss_weights=settings.loss_weight,
            metrics=["mse"],
        )
        model.fit(
            train.inputs,
            train.targets,
            validation_data=(validation.inputs, validation.targets),
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            # A progress bar for a person, a line an epoch for a log.
            verbose=(1 if sys.stdout.isatty() else 2) if verbose is None else verbose,
            callbacks=_callbacks(folder, log, best, settings, rows),
        )
        rows = history.read(log)
        if not rows or not all(math.isfinite(row["loss"]) for row in rows):
            shutil.rmtree(folder)
            raise FloatingPointError(f"{model.name}: expected a finite loss, received {rows[-1:]}")
    model.load_weights(str(best))
    ended.touch()
    return len(rows)


def _callbacks(
    folder: Path, log: Path, best: Path, settings: FitSettings, rows: list[Any]
) -> list[Any]:
    callbacks = keras.callbacks
    # Keras writes TensorBoard's logs through TensorFlow; with another backend alone it cannot.
    boards = [callbacks.TensorBoard(str(folder / "logs"), write_graph=False)]
    return [
        callbacks.TerminateOnNaN(),
        # Weights before their row: a row without its weights would set a mark that no file meets.
        callbacks.ModelCheckpoint(
            str(best),
            monitor="val_mse",
            mode="min",
            save_best_only=True,
            save_weights_only=True,
            initial_value_threshold=min((row["val_mse"] for row in rows), default=None),
        ),
        callbacks.CSVLogger(str(log), append=bool(rows)),
        callbacks.EarlyStopping("val_mse", mode="min", patience=settings.patience),
        *(boards if find_spec("tensorflow") else []),
        # Last, so that a stop between two callbacks repeats an epoch instead of losing its row.
        callbacks.BackupAndRestore(str(folder / "checkpoint"), double_checkpoint=True),
    ]


def _schedule(settings: FitSettings, examples: int) -> Any:
    steps = settings.epochs * math.ceil(examples / settings.batch_size)
    warmup = steps // 20
    return keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 10,
        steps - warmup,
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
    )
