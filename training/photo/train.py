"""Train on photographs into a folder, where the training can be stopped and resumed."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import keras

from training.datasets import photos
from training.datasets.photos import Folder, Photos
from training.photo import checkpoint, loop
from training.photo.division import Divided
from training.photo.loop import CHECKPOINT, Task
from training.photo.noise import mix
from training.photo.processes import Alone, Processes
from training.photo.record import PhotoRecord
from training.photo.schedule import Schedule
from training.photo.synthetic import share, synthetic
from training.photo.validation import Validation
from training.record import clear, versions

DECODED = "photos.bin"
IDENTITY = "seed", "photographs", "validation", "model", "settings", "precision"
"""Fields of a record that tell one training from another."""


@dataclass(frozen=True)
class Data:
    """Photographs to train on, others to validate with, and the licence of both in words."""

    train: Folder
    validation: Folder
    licence: str


class Plan(Protocol):
    """What is trained, and how.

    Attributes:
        model: The network in words.
        settings: How it is trained, in words.
        precision: Keras's dtype policy.
        weights: File name of the trained weights.
        smallest: Pixels of the shorter side that a photograph needs.
        schedule: Length and learning rate.
    """

    @property
    def weights(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def settings(self) -> str: ...

    @property
    def precision(self) -> str: ...

    @property
    def smallest(self) -> int: ...

    @property
    def schedule(self) -> Schedule: ...

    def task(self, images: Photos, synthetic: int, validation: Validation, seed: int) -> Task[Any]:
        """Return what the loop trains, on images of which the last ones are synthetic."""
        ...


def train(
    plan: Plan,
    data: Data,
    folder: Path,
    *,
    seed: int,
    command: str,
    again: bool = False,
    amend: bool = False,
    workers: int = 1,
    processes: Processes | None = None,
    announce: Callable[[str], None] = print,
) -> PhotoRecord:
    """Train on photographs and write the weights and their record into a folder.

    A stopped training of the same plan, seed and data is resumed, with another length too as long
    as its learning rate has not begun to fall; one that has ended is left as it is.

    Args:
        plan: What to train, and how.
        data: The photographs.
        folder: Of the run.
        seed: Of the weights and batches.
        command: That repeats this training, for the record.
        again: Whether to replace whatever training the folder holds.
        amend: Whether to resume a training that had other settings; the record names both.
        workers: Processes that make batches.
        processes: That train together, by default this one alone. The first reads and writes the
            folder; the others need the photographs alone.
        announce: Receives progress of the first process, a line at a time.

    Returns:
        The record of the training.

    Raises:
        FileExistsError: The folder holds another training, or one of other settings, and neither
            again nor amend is set; or no training.
        ValueError: The record cannot be read, the learning rate falls already, the photographs
            are too small, or processes differ in what they are to train.
        ConnectionError: Another of the processes ended.
    """
    processes = processes or Alone()
    announce = announce if processes.is_first else _silent
    schedule = plan.schedule
    record = PhotoRecord(
        seed=seed,
        photographs=data.train.digest(),
        training_images=len(data.train),
        validation=data.validation.digest(),
        validation_images=len(data.validation),
        model=plan.model,
        settings=f"{plan.settings}; {share()}; noise: {mix.shares()}",
        precision=plan.precision,
        command=command,
        licence=data.licence,
        steps=schedule.steps,
        minutes=schedule.minutes,
        backend=keras.backend.backend(),
    )
    for name in (*IDENTITY, "steps", "minutes"):
        processes.check_equal(name, getattr(record, name))
    processes.check_equal("workers", workers)
    if ended := processes.first(lambda: _ended(folder, record, schedule, again=again, amend=amend)):
        announce(f"{folder}: trained already at {ended.trained_at}; --again trains it anew")
        return ended
    validation = Validation.of(data.validation)
    if processes.is_first:
        folder.mkdir(parents=True, exist_ok=True)
        record = replace(record, before=_before(folder, record))
        record.write(folder)
    with _own_folder(folder, processes) as place:
        decoded, drawn = processes.once_a_machine(lambda: _decode(plan, data, place, announce))
        task = plan.task(decoded, drawn, validation, seed)
        end = loop.run(
            Divided(task, processes) if processes.count > 1 else task,
            folder,
            plan.weights,
            workers=workers,
            processes=processes,
            announce=announce,
        )
    pixels = sum(height * width for height, width in decoded.sizes[:-drawn])
    record = replace(
        record,
        epochs=max(1, round(end.pixels / pixels)),
        gigapixels=round(end.pixels / 1e9, 3),
        hours=round(end.seconds / 3600, 2),
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions("keras", keras.backend.backend(), "numpy", "pillow", "scipy"),
    )
    if processes.is_first:
        record.write(folder)
        decoded.path.unlink()
    return record


def _ended(
    folder: Path, record: PhotoRecord, schedule: Schedule, *, again: bool, amend: bool
) -> PhotoRecord | None:
    """Return the folder's record where it has ended; check that it can be resumed otherwise."""
    if again:
        clear(folder)
    elif earlier := PhotoRecord.find(folder):
        expected = record
        if amend and not earlier.ended:
            expected = replace(record, settings=earlier.settings)
        if difference := _difference(earlier, expected):
            raise FileExistsError(
                f"{folder}: {difference}; --again replaces the training, --amend goes on with "
                "other settings, --runs names another folder"
            )
        if (earlier.steps, earlier.minutes) != (record.steps, record.minutes):
            before = replace(schedule, steps=earlier.steps, minutes=earlier.minutes)
            _check_length(folder, before, schedule)
        elif earlier.ended:
            return earlier
    return None


def _decode(
    plan: Plan, data: Data, folder: Path, announce: Callable[[str], None]
) -> tuple[Photos, int]:
    """Return the photographs with synthetic images at their end, and how many these are."""
    decoded = photos.decode(data.train, folder / DECODED, at_least=plan.smallest)
    announce(
        f"{len(decoded)} photographs of {decoded.pixels / 1e6:.1f} MP, {_length(plan.schedule)}"
    )
    arrays = decoded.arrays()
    drawn = synthetic(arrays)
    return decoded.extended(drawn), len(drawn)


@contextmanager
def _own_folder(folder: Path, processes: Processes) -> Iterator[Path]:
    """Yield where this process keeps what it decodes: the others may be on other machines."""
    if processes.is_first:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="photographs-") as own:
        yield Path(own)


def _silent(_: str) -> None:
    pass


def load(folder: Path, model: str) -> PhotoRecord:
    """Return the record of a run's folder whose training has ended.

    Args:
        folder: Of the run.
        model: The network that is expected to be trained in it, in words.

    Raises:
        FileNotFoundError: There is none, or its training has not ended.
        FileExistsError: The folder holds something else than a run.
        ValueError: The record is damaged, or of another network.
    """
    record = PhotoRecord.find(folder)
    if record is None or not record.ended:
        raise FileNotFoundError(
            f"{folder}: expected trained weights, received none; "
            f"run: python -m training train {folder.name} --photos DIR"
        )
    if record.model != model:
        raise ValueError(
            f"{folder}: expected a training of a {model}, received one of a {record.model}"
        )
    return record


def _difference(earlier: PhotoRecord, requested: PhotoRecord) -> str:
    """Return how the training of a folder differs from the requested one, empty if it does not."""
    for name in IDENTITY:
        expected, received = str(getattr(requested, name)), str(getattr(earlier, name))
        if expected != received:
            return (
                f"expected a training with {name} {_parts(expected, received)}, received one with "
                f"{_parts(received, expected)}"
            )
    return ""


def _parts(text: str, other: str) -> str:
    """Return what a text has and another has not, of parts between semicolons, or what it lacks."""
    mine, rest = text.split("; "), other.split("; ")
    if own := [each for each in mine if each not in rest]:
        return "; ".join(own)
    return "without: " + "; ".join(each for each in rest if each not in mine)


def _before(folder: Path, record: PhotoRecord) -> list[str]:
    """Return the settings that the training of a folder had before, each up to a step."""
    earlier = PhotoRecord.find(folder)
    if earlier is None or earlier.settings == record.settings:
        return earlier.before if earlier else []
    reached = checkpoint.position(folder / CHECKPOINT).step
    return [*earlier.before, f"up to step {reached} {_parts(earlier.settings, record.settings)}"]


def _check_length(folder: Path, before: Schedule, after: Schedule) -> None:
    reached = checkpoint.position(folder / CHECKPOINT)
    for settings in (before, after):
        progress = settings.progress(reached.step, reached.seconds)
        if settings.is_falling(progress):
            raise ValueError(
                f"expected {_length(before)}, as the learning rate has begun to fall at "
                f"{progress:.0%} of {_length(settings)}, received {_length(after)}"
            )


def _length(settings: Schedule) -> str:
    return f"{settings.minutes:g} minutes" if settings.minutes else f"{settings.steps} steps"
