"""A training loop that can be stopped and resumed, to the batch."""

import csv
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import keras
import numpy as np

from training import history
from training.photo import checkpoint
from training.photo.checkpoint import Position
from training.photo.processes import Alone, Processes, StepReport
from training.photo.schedule import Schedule
from training.photo.stream import Source, stream

CHECKPOINT = "checkpoint"
AVERAGE_EVERY = 10
DIVERGED = 3.0
"""How many times the usual loss means that a training has diverged."""
FEWEST = 100
"""Steps between checkpoints from which their mean loss tells of the training."""

Batch = TypeVar("Batch")


class Task(Protocol[Batch]):
    """What is trained, on which batches, and how it is measured."""

    @property
    def schedule(self) -> Schedule: ...

    @property
    def source(self) -> Source[Batch]: ...

    def build(self) -> keras.Model:
        """Return the model with its initial weights, compiled."""
        ...

    def size(self, number: int, progress: float) -> int:
        """Return the patch size of a batch."""
        ...

    def step(self, model: keras.Model, batch: Batch, progress: float) -> tuple[Any, int]:
        """Train on a batch; return its loss and its pixels."""
        ...

    def validate(self, average: keras.Model) -> Mapping[str, float]:
        """Measure the moving average of the weights."""
        ...


def run(
    task: Task[Any],
    folder: Path,
    weights: str,
    *,
    workers: int,
    processes: Processes | None = None,
    announce: Callable[[str], None] = print,
) -> Position:
    """Train into a folder, from its checkpoint on where it has one.

    The folder receives history.csv (a row a validation), the checkpoint, and at the end the moving
    average of the weights. SIGTERM and SIGINT end the training after the current step, with a
    checkpoint. Of several processes only the first reads and writes the folder; a signal to one of
    them ends all.

    Args:
        task: What to train.
        folder: Of the run.
        weights: File name of the weights.
        workers: Processes that make batches ahead.
        processes: That train together, by default this one alone.
        announce: Receives a line for each validation.

    Returns:
        How far the training is: steps, pixels and seconds in all.

    Raises:
        FloatingPointError: The loss or a weight became infinite or NaN, or the loss since the last
            checkpoint is several times the usual one; that checkpoint is kept.
        KeyboardInterrupt: A signal stopped the training.
        ValueError: The history or the checkpoint is damaged; the error names the file.
        ConnectionError: Another of the processes ended.
    """
    processes = processes or Alone()
    schedule = task.schedule
    model, average = task.build(), task.build()

    def restore() -> Position:
        found = checkpoint.restore(folder / CHECKPOINT, model, average)
        history.read(folder / history.FILE_NAME, "loss", key="step")  # a damaged one is found now
        return found

    position = processes.first(restore)
    _copy(processes, model)
    if position.step:
        announce(f"{folder}: resuming after {position.step} steps")
    run = _Run(task, position)
    losses: list[Any] = []
    soundness = _Soundness(model)
    validated = time.monotonic()
    with (
        _stopping() as stopped,
        closing(stream(task.source, run.plan(), workers=workers)) as batches,
    ):
        for batch in batches:
            step, progress = run.position.step, run.progress
            model.optimizer.learning_rate = schedule.rate(step, progress)
            loss, pixels = task.step(model, batch, progress)
            report = processes.all_reduce(StepReport(loss, run.seconds, bool(stopped)))
            losses.append(report.loss)
            soundness.losses.append(report.loss)
            step = run.advance(pixels, report.seconds)
            if step % AVERAGE_EVERY == 0 and processes.is_first:
                _average(average, model, step, schedule.momentum)
            validates = step % schedule.validate_every == 0 or run.ended
            saves = step % schedule.save_every == 0 or report.stopped
            if validates or saves:
                soundness.check()
            row: dict[str, float] = {}
            if validates and processes.is_first:
                row = {"step": step, "gigapixels": round(run.position.pixels / 1e9, 4)}
                row |= {"loss": float(np.mean(losses)), **task.validate(average)}
                row["seconds"] = round(time.monotonic() - validated, 1)
                _log(folder / history.FILE_NAME, row)
                losses, validated = [], time.monotonic()
            if (validates or saves) and processes.is_first:
                checkpoint.write(folder / CHECKPOINT, run.position, model, average)
            if row:
                announce(" ".join(f"{key} {value:g}" for key, value in row.items()))
            if validates or saves:  # the others wait for the checkpoint
                report = processes.all_reduce(replace(report, loss=0.0, stopped=bool(stopped)))
            if report.stopped:
                announce(f"{folder}: stopped after {step} steps")
                raise KeyboardInterrupt
            if run.ended:
                break
    if processes.is_first:
        average.save_weights(folder / weights)
    return run.position


class _Run:
    """How far a training is: steps, pixels, and seconds spent in all of its runs."""

    def __init__(self, task: Task[Any], position: Position) -> None:
        self._task = task
        self._schedule = task.schedule
        self._started = time.monotonic() - position.seconds
        self.position = position

    @property
    def progress(self) -> float:
        """The share of the training that is done, 0 to 1."""
        return self._schedule.progress(self.position.step, self.position.seconds)

    @property
    def ended(self) -> bool:
        return self.progress >= 1

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def advance(self, pixels: int, seconds: float) -> int:
        """Count a step that ended after so many seconds in all; return how many there were."""
        self.position = Position(
            self.position.step + 1,
            self.position.pixels + pixels,
            seconds,
        )
        return self.position.step

    def plan(self) -> Iterator[tuple[int, int]]:
        """Yield the number and the patch size of each batch until the training ends.

        Batches are made ahead: with a time to keep, a size may come a few steps late.
        """
        number, schedule = self.position.step, self._schedule
        while not self.ended if schedule.minutes else number < schedule.steps:
            progress = self.progress if schedule.minutes else number / schedule.steps
            yield number, self._task.size(number, progress)
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


class _Soundness:
    """Whether a training converges, by its losses since the last checkpoint."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._usual = math.inf
        self.losses: list[Any] = []

    def check(self) -> None:
        """Raise FloatingPointError unless losses and weights are finite and losses as usual.

        The loss of a step is that of the weights before it, so it does not tell of the last step.
        """
        losses, self.losses = [float(loss) for loss in self.losses], []
        for loss in losses:
            if not math.isfinite(loss):
                raise FloatingPointError(f"expected a finite loss, received {loss}")
        for weights in self._model.weights:
            if not np.isfinite(keras.ops.convert_to_numpy(weights)).all():
                raise FloatingPointError(
                    f"expected finite weights, received others in {weights.path}"
                )
        if len(losses) >= FEWEST:
            mean = float(np.mean(losses))
            if mean > DIVERGED * self._usual:
                raise FloatingPointError(
                    f"expected a loss of about {self._usual:.3g} or less, received {mean:.3g}"
                )
            self._usual = min(self._usual, mean)


def _copy(processes: Processes, model: keras.Model) -> None:
    """Let all processes begin with the weights and the optimizer of the first."""
    if processes.count > 1:
        model.optimizer.build(model.trainable_variables)
        processes.broadcast([*model.weights, *model.optimizer.variables])


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
