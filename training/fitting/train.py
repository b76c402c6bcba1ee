"""Train a recipe into a run's folder, where a stopped training can be resumed."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from service.inference.scores import scores
from training.autoencoders.autoencoder import Autoencoder
from training.fitting.fit import Examples, Watch, fit
from training.fitting.layerwise import fit_greedily
from training.fitting.recipe import Recipe
from training.fitting.record import TrainingRecord
from training.fitting.stream import Batches, Stream
from training.pixel_noise import Floats
from training.record import clear, reading, versions

MODEL_FILE = "autoencoder.keras"
VALIDATION_NOISE_SEED = 1


class Data(Protocol):
    """What a model trains on: images in [0, 1], or scaled numbers, NaN where one is missing."""

    @property
    def train(self) -> Floats | Stream:
        """Items to train on, in memory or not."""

    @property
    def validation(self) -> Floats:
        """Items to choose the best epoch by."""


def train(
    recipe: Recipe,
    data: Data,
    folder: Path,
    *,
    seed: int,
    command: str,
    own: Mapping[str, Any] | None = None,
    again: bool = False,
    announce: Callable[[str], None] = print,
) -> TrainingRecord:
    """Train a recipe and write the model and its record into a folder.

    A stopped training of the same recipe, seed and data is resumed; one that has ended is left as
    it is.

    Args:
        recipe: What to build and how to fit it.
        data: The items.
        folder: The run's folder.
        seed: Of weights, batches and noise.
        command: The command of this training, for its record.
        own: What identifies one's own data, in JSON's types, for the record.
        again: Replace whatever training the folder holds.
        announce: Receives lines of progress.

    Returns:
        The record of the ended training.

    Raises:
        FileExistsError: The folder holds another training and `again` is false, or something
            else than a training.
        FloatingPointError: The loss is infinite or NaN.
        ValueError: A file of the folder is damaged.
    """
    keras.utils.clear_session()  # layers are numbered from 1: the digest includes their names
    autoencoder = recipe.build(seed)
    record = TrainingRecord(
        command=command,
        seed=seed,
        training_images=len(data.train),
        validation_images=len(data.validation),
        settings=str(recipe),
        model=hashlib.sha256(autoencoder.whole.to_json().encode()).hexdigest(),
        backend=keras.backend.backend(),
        own=dict(own or {}),
    )
    if again:
        clear(folder)
    elif earlier := TrainingRecord.find(folder):
        if not earlier.is_of(record):
            raise FileExistsError(
                f"{folder}: expected the training that is there ({earlier.command}), received one "
                f"that differs in {', '.join(earlier.differences(record))}; "
                "--again replaces it, --runs names another folder"
            )
        if earlier.ended:
            announce(f"{folder}: trained already at {earlier.trained_at}; --again trains it anew")
            return earlier
        announce(f"{folder}: resuming the training that was stopped")
    folder.mkdir(parents=True, exist_ok=True)
    record.write(folder)
    record = _run(recipe, autoencoder, data, folder, record, announce)
    autoencoder.whole.save(folder / MODEL_FILE)
    record.write(folder)
    return record


def validate(
    recipe: Recipe, data: Data, folder: Path, *, seed: int, watch: Watch | None = None
) -> float:
    """Return the MSE on the validation part of a recipe that is fitted for nothing else.

    Args:
        recipe: What to build and how to fit it.
        data: The items.
        folder: An empty folder, or none; what is written there is of no further use.
        seed: Of weights, batches and noise.
        watch: Receives the validation MSE of each epoch of the whole model; what it raises ends
            the fit.

    Raises:
        FloatingPointError: The loss is infinite or NaN.
    """
    keras.utils.clear_session()
    autoencoder = recipe.build(seed)
    _fit(recipe, autoencoder, data, folder, seed, _ignore, watch, quiet=True)
    return _mse(autoencoder, _validation(recipe, data))


def load(folder: Path) -> tuple[Autoencoder, TrainingRecord]:
    """Return the trained autoencoder of a run's folder, and its record.

    Raises:
        FileNotFoundError: There is none, or its training has not ended.
        ValueError: A file of the folder is damaged.
    """
    record = TrainingRecord.find(folder)
    if record is None:
        raise FileNotFoundError(
            f"{folder}: expected a trained model, received none; "
            f"run: python -m training train {folder.name}"
        )
    if not record.ended:
        raise FileNotFoundError(
            f"{folder}: expected a trained model, received a training that was stopped; "
            f"to resume it, run: {record.command}"
        )
    # Keras knows the project's layers in a file once their modules are imported.
    from training.autoencoders import corruption, recurrent, sparse  # noqa: F401

    with reading(folder / MODEL_FILE, "a model of Keras"):
        return Autoencoder.of(keras.saving.load_model(folder / MODEL_FILE, compile=False)), record


def _run(
    recipe: Recipe,
    autoencoder: Autoencoder,
    data: Data,
    folder: Path,
    record: TrainingRecord,
    announce: Callable[[str], None],
) -> TrainingRecord:
    run, before = _fit(recipe, autoencoder, data, folder, record.seed, announce)
    announce(f"MSE on the validation part {_mse(autoencoder, _validation(recipe, data)):.5f}")
    return replace(
        record,
        epochs=run,
        validation_mse_before_fine_tuning=before,
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions("keras", keras.backend.backend(), "numpy"),
    )


def _fit(
    recipe: Recipe,
    autoencoder: Autoencoder,
    data: Data,
    folder: Path,
    seed: int,
    announce: Callable[[str], None],
    watch: Watch | None = None,
    *,
    quiet: bool = False,
) -> tuple[int, float | None]:
    """Fit all phases; return the epochs run, and the MSE before fine-tuning if there is any."""
    verbose = 0 if quiet else None
    validation = _validation(recipe, data)
    run, before = 0, None
    if recipe.greedy:
        if isinstance(data.train, Stream):
            raise ValueError(
                "layer by layer training: expected items that fit into memory, "
                f"received {len(data.train):,} that do not; --memory says how much there is"
            )
        run += fit_greedily(
            autoencoder,
            data.train,
            data.validation,
            recipe.greedy,
            folder,
            announce=announce,
            verbose=verbose,
        )
    if recipe.greedy and recipe.fit:
        before = _mse(autoencoder, validation)
        announce(f"MSE before fine-tuning {before:.5f}")
    if recipe.fit:
        train = data.train
        examples = (
            Batches(train, recipe.fit.batch_size, seed, pads=recipe.pads)
            if isinstance(train, Stream)
            else Examples.of(train, pads=recipe.pads)
        )
        phase = folder / ("fine-tuning" if recipe.greedy else "whole")
        run += fit(
            autoencoder.whole, examples, validation, recipe.fit, phase, verbose=verbose, watch=watch
        )
    return run, before


def _ignore(line: str) -> None:
    """Announce nothing."""


def _validation(recipe: Recipe, data: Data) -> Examples:
    """Return clean items and, for a denoiser, the same images with noise, each kind in turn."""
    clean, kinds = data.validation, len(recipe.noises)
    if not kinds:
        return Examples.of(clean, pads=recipe.pads)
    noisy = np.empty_like(clean)
    for turn, noise in enumerate(recipe.noises):
        noisy[turn::kinds] = noise.corrupt(clean[turn::kinds], seed=VALIDATION_NOISE_SEED)
    return Examples(np.concatenate([clean, noisy]), np.concatenate([clean, clean]))


def _mse(autoencoder: Autoencoder, examples: Examples) -> float:
    received = autoencoder.whole.predict(examples.inputs, batch_size=1024, verbose=0)
    return float(np.nanmean(scores(examples.targets, received, None)))
