"""The training loop of the denoiser of photographs, which can be stopped and resumed."""

import csv
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training import history
from training.autoencoders.photo import Computation, PhotoConfig, build
from training.photo import checkpoint
from training.photo.batches import Batches
from training.photo.checkpoint import Position
from training.photo.muon import ConvolutionMuon
from training.photo.settings import PhotoFitSettings
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
) -> Position:
    """Train into a folder, from its checkpoint on where it has one.

    The folder receives history.csv (a row a validation), the checkpoint, and photo.weights.h5, the
    moving average of the weights. SIGTERM and SIGINT end the training after the current step, with
    a checkpoint.

    Args:
        config: What to train.
        computation: Its precision and data format.
        batches: What to draw batches from.
        validation: What to measure on.
        settings: How to train.
        folder: Of the run.
        workers: Processes that make batches ahead.
        announce: Receives a line for each validation.

    Returns:
        How far the training is: steps, pixels and seconds in all.

    Raises:
        FloatingPointError: The loss or a weight became infinite or NaN; the last checkpoint, from
            before that, is kept.
        KeyboardInterrupt: A signal stopped the training.
        ValueError: The history or the checkpoint is damaged; the error names the file.
    """
    model = build(config, seed=batches.seed, computation=computation)
    average = build(config, seed=batches.seed, computation=computation)
    model.compile(_optimizer(settings, computation), ABSOLUTE)
    position = checkpoint.restore(folder / CHECKPOINT, model, average)
    history.read(folder / history.FILE_NAME, "loss", key="step")  # a damaged one is found at once
    if position.step:
        announce(f"{folder}: resuming after {position.step} steps")
    run = _Run(settings, position)
    losses: list[Any] = []
    validated = time.monotonic()
    with _stopping() as stopped, closing(batches.stream(run.plan(), workers=workers)) as stream:
        for batch in stream:
            step, progress = run.position.step, run.progress
            if settings.is_squared(progress) and model.loss == ABSOLUTE:
                model.compile(model.optimizer, _root_mean_square)
            model.optimizer.learning_rate = settings.rate(step, progress)
            losses.append(
                model.train_on_batch([batch.noisy, batch.sigma, batch.profile], batch.clean)
            )
            step = run.advance(batch.clean.size // 3)
            if step % AVERAGE_EVERY == 0:
                _average(average, model, step, settings.momentum)
            validates = step % settings.validate_every == 0 or run.ended
            saves = step % settings.save_every == 0 or bool(stopped)
            if validates or saves:
                _check_finite(losses, model)
            row: dict[str, float] = {}
            if validates:
                row = {"step": step, "gigapixels": round(run.position.pixels / 1e9, 4)}
                row |= {"loss": float(np.mean(losses)), **validation.measure(average)}
                row["seconds"] = round(time.monotonic() - validated, 1)
                _log(folder / history.FILE_NAME, row)
                losses, validated = [], time.monotonic()
            if validates or saves:
                checkpoint.write(folder / CHECKPOINT, run.position, model, average)
            if row:
                announce(" ".join(f"{key} {value:g}" for key, value in row.items()))
            if stopped:
                announce(f"{folder}: stopped after {step} steps")
                raise KeyboardInterrupt
            if run.ended:
                break
    average.save_weights(folder / WEIGHTS)
    return run.position


class _Run:
    """How far a training is: steps, pixels, and seconds spent in all of its runs."""

    def __init__(self, settings: PhotoFitSettings, position: Position) -> None:
        self._settings = settings
        self._started = time.monotonic() - position.seconds
        self.position = position

    @property
    def progress(self) -> float:
        """The share of the training that is done, 0 to 1."""
        return self._settings.progress(self.position.step, self.position.seconds)

    @property
    def ended(self) -> bool:
        return self.progress >= 1

    def advance(self, pixels: int) -> int:
        """Count a step; return how many there were."""
        self.position = Position(
            self.position.step + 1,
            self.position.pixels + pixels,
            time.monotonic() - self._started,
        )
        return self.position.step

    def plan(self) -> Iterator[tuple[int, int]]:
        """Yield the number and the patch size of each batch until the training ends.

        Batches are made ahead: with a time to keep, a size may come a few steps late.
        """
        number = self.position.step
        while not self.ended if self._settings.minutes else number < self._settings.steps:
            progress = self.progress if self._settings.minutes else number / self._settings.steps
            yield number, self._settings.size(progress)
            number += 1


@contextmanager
def _stopping() -> Iterator[list[int]]:
    """Collect SIGTERM and SIGINT instead of ending at once."""
    stopped: list[int] = []
    before = {
        number: signal.signal(number, lambda received, _: stopped.append(received))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _optimizer(settings: PhotoFitSettings, computation: Computation) -> Any:
    muon = ConvolutionMuon(settings.learning_rate, weight_decay=settings.weight_decay)
    if computation.precision == "mixed_float16":  # small gradients would become zero in it
        return keras.optimizers.LossScaleOptimizer(muon)
    return muon


def _root_mean_square(clean: Any, restored: Any) -> Any:
    """Return the mean of the RMSE of each image: one with much noise does not outweigh the rest."""
    squares = keras.ops.mean(keras.ops.square(clean - restored), (1, 2, 3))
    return keras.ops.mean(keras.ops.sqrt(squares + 1e-8))  # the slope of a root at zero is infinite


def _check_finite(losses: list[Any], model: keras.Model) -> None:
    """Raise FloatingPointError for a loss or a weight that is not finite.

    The loss of a step is that of the weights before it, so it does not tell of the last step.
    """
    for loss in losses:
        if not np.isfinite(loss):
            raise FloatingPointError(f"expected a finite loss, received {loss}")
    for weights in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weights)).all():
            raise FloatingPointError(f"expected finite weights, received others in {weights.path}")


def _average(average: keras.Model, model: keras.Model, step: int, momentum: float) -> None:
    """Update the moving average of the weights, faster in the first steps."""
    kept = min(momentum, 1 - 10 / (step + 10)) ** AVERAGE_EVERY
    for mean, new in zip(average.weights, model.weights, strict=True):
        mean.assign(mean * kept + new * (1 - kept))


def _log(path: Path, row: dict[str, float]) -> None:
    """Append a row atomically; rows of later steps, written before a stop, are dropped."""
    earlier = history.read(path, "loss", key="step")
    rows = [each for each in earlier if each["step"] < row["step"]]
    draft = path.with_suffix(".new")
    with draft.open("w", newline="") as file:
        writer = csv.DictWriter(file, row, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows([*({**each, "step": int(each["step"])} for each in rows), row])
    draft.replace(path)
