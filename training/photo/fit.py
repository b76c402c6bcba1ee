"""The training loop of the denoiser of photographs, which can be stopped and resumed."""

import csv
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training import history
from training.autoencoders.photo import Computation, PhotoConfig, build
from training.photo import checkpoint
from training.photo.batches import Batches
from training.photo.muon import ConvolutionMuon
from training.photo.settings import PhotoFitSettings, RiseStayFall
from training.photo.validation import Validation

WEIGHTS = checkpoint.AVERAGE
CHECKPOINT = "checkpoint"
ABSOLUTE = "mae"
AVERAGE_EVERY = 10


def fit(
    config: PhotoConfig,
    computation: Computation,
    batches: Batches,
    validation: Validation,
    settings: PhotoFitSettings,
    folder: Path,
    *,
    workers: int,
    announce: Callable[[str], None] = print,
) -> None:
    """Train into a folder, from its checkpoint on where it has one.

    The folder receives history.csv (a row a validation), the checkpoint, and photo.weights.h5, the
    moving average of the weights. workers: processes that make batches ahead. Raises
    FloatingPointError where the loss becomes infinite or NaN; the last checkpoint is kept.
    """
    model = build(config, seed=batches.seed, computation=computation)
    average = build(config, seed=batches.seed, computation=computation)
    model.compile(_optimizer(settings, computation), ABSOLUTE)
    start = checkpoint.restore(folder / CHECKPOINT, model, average)
    if start:
        announce(f"{folder}: resuming after {start} steps")
    losses, since = [], time.monotonic()
    with closing(batches.stream(start, settings.steps, workers=workers)) as stream:
        for step, batch in enumerate(stream, start + 1):
            if step > settings.squared_from and model.loss == ABSOLUTE:
                model.compile(model.optimizer, _root_mean_square)
            losses.append(model.train_on_batch([batch.noisy, batch.sigma], batch.clean))
            if step % AVERAGE_EVERY == 0:
                _average(average, model, step, settings.momentum)
            if step % settings.every == 0 or step == settings.steps:
                loss = float(np.mean(losses))
                if not np.isfinite(loss):
                    raise FloatingPointError(f"expected a finite loss, received {loss}")
                row = {"step": step, "loss": loss, **validation.measure(average)}
                row["seconds"] = round(time.monotonic() - since, 1)
                _log(folder / history.FILE_NAME, row)
                checkpoint.write(folder / CHECKPOINT, step, model, average)
                announce(" ".join(f"{key} {value:g}" for key, value in row.items()))
                losses, since = [], time.monotonic()
    average.save_weights(folder / WEIGHTS)


def _optimizer(settings: PhotoFitSettings, computation: Computation) -> Any:
    rate = RiseStayFall(settings.learning_rate, settings.warmup, settings.fall, settings.steps)
    muon = ConvolutionMuon(rate, weight_decay=settings.weight_decay)
    if computation.precision == "mixed_float16":  # small gradients would become zero in it
        return keras.optimizers.LossScaleOptimizer(muon)
    return muon


def _root_mean_square(clean: Any, restored: Any) -> Any:
    """Of each image, so that one with much noise does not outweigh all with little."""
    squares = keras.ops.mean(keras.ops.square(clean - restored), (1, 2, 3))
    return keras.ops.mean(keras.ops.sqrt(squares + 1e-8))  # the slope of a root at zero is infinite


def _average(average: keras.Model, model: keras.Model, step: int, momentum: float) -> None:
    """Move the average towards the weights, at first faster, as the first ones are no good."""
    kept = min(momentum, 1 - 10 / (step + 10)) ** AVERAGE_EVERY
    for mean, new in zip(average.weights, model.weights, strict=True):
        mean.assign(mean * kept + new * (1 - kept))


def _log(path: Path, row: dict[str, float]) -> None:
    """Add a row, in place of what was run after its step before a stop."""
    rows: list[dict[str, Any]] = []
    if path.exists():
        with path.open(newline="") as file:
            rows = [each for each in csv.DictReader(file) if int(each["step"]) < row["step"]]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, row, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows([*rows, row])
