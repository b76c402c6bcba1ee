"""Train the denoiser of photographs into a folder, where it can be stopped and resumed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import keras

from training.autoencoders.photo import Computation, PhotoConfig
from training.datasets import photos
from training.datasets.photos import Folder
from training.photo import checkpoint, noise
from training.photo.batches import Batches
from training.photo.fit import CHECKPOINT, fit
from training.photo.record import PhotoRecord
from training.photo.settings import PhotoFitSettings
from training.photo.validation import Validation
from training.record import clear, versions

DECODED = "photos.bin"


@dataclass(frozen=True)
class Data:
    """Photographs to train on, others to validate with, and the licence of both in words."""

    train: Folder
    validation: Folder
    licence: str


def train(
    config: PhotoConfig,
    settings: PhotoFitSettings,
    computation: Computation,
    data: Data,
    folder: Path,
    *,
    seed: int,
    command: str,
    again: bool = False,
    workers: int = 1,
    announce: Callable[[str], None] = print,
) -> PhotoRecord:
    """Train on photographs and write the weights and their record into a folder.

    A training of the same plan, seed and data that was stopped is resumed, with another number of
    steps too as long as its learning rate has not begun to fall, and one that has ended is left as
    it is. Asked for again, it replaces whatever training the folder holds. Raises FileExistsError
    where the folder holds another training and again is not asked for, or anything that is no
    training; ValueError where its record cannot be read, the learning rate falls already, or the
    photographs are too small.
    """
    record = PhotoRecord(
        seed=seed,
        photographs=data.train.digest(),
        training_images=len(data.train),
        validation=data.validation.digest(),
        validation_images=len(data.validation),
        model=str(config),
        settings=f"{settings}; noise: {noise.shares()}",
        precision=computation.precision,
        command=command,
        licence=data.licence,
        steps=settings.steps,
        backend=keras.backend.backend(),
    )
    if again:
        clear(folder)
    elif earlier := PhotoRecord.find(folder):
        if difference := _difference(earlier, record):
            raise FileExistsError(
                f"{folder}: {difference}; --again replaces the training, --runs names another "
                "folder"
            )
        if earlier.steps != record.steps:
            _check_steps(folder, replace(settings, steps=earlier.steps), settings)
        elif earlier.ended:
            announce(f"{folder}: trained already at {earlier.trained_at}; --again trains it anew")
            return earlier
    validation = Validation.of(data.validation)
    folder.mkdir(parents=True, exist_ok=True)
    record.write(folder)
    decoded = photos.decode(data.train, folder / DECODED, at_least=settings.widest)
    announce(f"{len(decoded)} photographs of {decoded.pixels / 1e6:.1f} MP, {settings.steps} steps")
    batches = Batches(decoded, settings.patch, settings.batch_size, seed, settings.wide_from)
    fit(
        config,
        computation,
        batches,
        validation,
        settings,
        folder,
        workers=workers,
        announce=announce,
    )
    record = replace(
        record,
        epochs=max(1, round(settings.pixels / decoded.pixels)),
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions("keras", keras.backend.backend(), "numpy", "pillow", "scipy"),
    )
    record.write(folder)
    decoded.path.unlink()
    return record


def load(folder: Path) -> PhotoRecord:
    """Return the record of a run's folder whose training has ended.

    Raises FileNotFoundError where there is none, or its training has not ended.
    """
    record = PhotoRecord.find(folder)
    if record is None or not record.ended:
        raise FileNotFoundError(
            f"{folder}: expected trained weights, received none; "
            f"run: python -m training train {folder.name} --photos DIR"
        )
    return record


def _difference(earlier: PhotoRecord, asked: PhotoRecord) -> str:
    """Say what the training of a folder has that the one asked for has not, empty if nothing."""
    for name in ("seed", "photographs", "validation", "model", "settings", "precision"):
        expected, received = getattr(asked, name), getattr(earlier, name)
        if expected != received:
            return f"expected a training with {name} {expected}, received one with {received}"
    return ""


def _check_steps(folder: Path, before: PhotoFitSettings, after: PhotoFitSettings) -> None:
    done = checkpoint.steps(folder / CHECKPOINT)
    if done > before.fall:
        raise ValueError(
            f"--steps: expected {before.steps}, as after {done} steps the learning rate has begun "
            f"to fall, received {after.steps}"
        )
    if done > after.fall:
        raise ValueError(
            f"--steps: expected a number of which {1 - after.decay:.0%} are the {done} steps run "
            f"already or more, received {after.steps}"
        )
