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
from training.photo import loop, resuming
from training.photo.division import Divided
from training.photo.loop import Task
from training.photo.noise import mix
from training.photo.processes import Alone, Processes
from training.photo.record import PhotoRecord
from training.photo.schedule import Schedule
from training.photo.synthetic import share, synthetic
from training.photo.validation import Validation
from training.record import clear, versions

DECODED = "photos.bin"


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
        amend: Whether to resume a training that had other settings; the record names both, and the
            learning rate is what the new ones have at the step reached.
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
    for name in (*resuming.IDENTITY, "steps", "minutes"):
        processes.check_equal(name, getattr(record, name))
    processes.check_equal("workers", workers)
    if again:
        processes.first(lambda: clear(folder))
    elif ended := processes.first(lambda: resuming.ended(folder, record, schedule, amend=amend)):
        announce(f"{folder}: trained already at {ended.trained_at}; --again trains it anew")
        return ended
    validation = Validation.of(data.validation)
    if processes.is_first:
        folder.mkdir(parents=True, exist_ok=True)
        record = replace(record, before=resuming.before(folder, record))
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


def _decode(
    plan: Plan, data: Data, folder: Path, announce: Callable[[str], None]
) -> tuple[Photos, int]:
    """Return the photographs with synthetic images at their end, and how many these are."""
    decoded = photos.decode(data.train, folder / DECODED, at_least=plan.smallest)
    length = resuming.length(plan.schedule)
    announce(f"{len(decoded)} photographs of {decoded.pixels / 1e6:.1f} MP, {length}")
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
