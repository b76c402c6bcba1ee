"""Train a recipe into a folder of its own, where it can be stopped and gone on from."""

import json
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import keras
import numpy as np

from training.autoencoders.autoencoder import Autoencoder
from training.datasets.fashion_mnist import FashionMnist
from training.fit import Examples, fit
from training.layerwise import fit_greedily
from training.recipes import Recipe

MODEL_FILE = "autoencoder.keras"
RECORD_FILE = "training.json"
VALIDATION_NOISE_SEED = 1


@dataclass(frozen=True)
class Record:
    """What is remembered of a training beside its weights.

    The first fields tell one training from another, plan being all its settings in a text; the
    others are filled in when it has ended.
    """

    command: str
    seed: int
    training_images: int
    validation_images: int
    plan: str
    epochs: int = 0
    validation_mse_before_fine_tuning: float | None = None
    trained_at: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Return the record of a run's folder. Raises FileNotFoundError where it has none."""
        return cls(**json.loads((folder / RECORD_FILE).read_text()))

    def write(self, folder: Path) -> None:
        (folder / RECORD_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")


def train(
    recipe: Recipe,
    data: FashionMnist,
    folder: Path,
    *,
    seed: int,
    command: str,
    epochs: int | None = None,
    announce: Callable[[str], None] = print,
) -> Record:
    """Train a recipe and write the model and its record into a folder.

    A training of the same plan that was stopped is gone on with; any other is replaced. epochs
    overrides the recipe's, in every phase.
    """
    whole, greedy = (
        settings and replace(settings, epochs=epochs or settings.epochs)
        for settings in (recipe.fit, recipe.greedy)
    )
    plan = f"{whole} {greedy} {keras.backend.backend()}"
    images = len(data.train), len(data.validation)
    record = _begin(folder, Record(command, seed, *images, plan), announce)
    autoencoder = recipe.build(seed)
    validation = _validation(recipe, data)
    run = 0
    if greedy:
        run += fit_greedily(
            autoencoder, data.train, data.validation, greedy, folder, announce=announce
        )
        before = _mse(autoencoder, validation)
        announce(f"MSE before fine-tuning {before:.5f}")
        record = replace(record, validation_mse_before_fine_tuning=before)
    run += fit(
        autoencoder.whole,
        Examples(data.train, data.train),
        validation,
        whole or recipe.fit,
        folder / ("fine-tuning" if greedy else "whole"),
    )
    announce(f"MSE on the validation images {_mse(autoencoder, validation):.5f}")
    autoencoder.whole.save(folder / MODEL_FILE)
    record = replace(
        record,
        epochs=run,
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=_versions(),
    )
    record.write(folder)
    return record


def load(folder: Path) -> tuple[Autoencoder, Record]:
    """Return the trained autoencoder of a run's folder, and its record.

    Raises FileNotFoundError where there is none, or its training has not ended.
    """
    model = folder / MODEL_FILE
    if not model.exists():
        raise FileNotFoundError(
            f"{model}: expected a trained model, received none; "
            f"run: python -m training train {folder.name}"
        )
    return Autoencoder.of(keras.saving.load_model(model)), Record.read(folder)


def _begin(folder: Path, record: Record, announce: Callable[[str], None]) -> Record:
    try:
        earlier = Record.read(folder)
    except (FileNotFoundError, TypeError, ValueError):
        earlier = None
    if earlier and replace(earlier, command=record.command) == record:
        announce(f"going on with the training in {folder}")
    elif folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    record.write(folder)
    return record


def _validation(recipe: Recipe, data: FashionMnist) -> Examples:
    """Clean images, and for a denoiser as many noisy ones: it must do well on both."""
    clean = data.validation
    if recipe.noise is None:
        return Examples(clean, clean)
    noisy = recipe.noise.corrupt(clean, seed=VALIDATION_NOISE_SEED)
    return Examples(np.concatenate([clean, noisy]), np.concatenate([clean, clean]))


def _mse(autoencoder: Autoencoder, examples: Examples) -> float:
    received = autoencoder.whole.predict(examples.inputs, batch_size=1024, verbose=0)
    return float(np.mean((received - examples.targets) ** 2))


def _versions() -> dict[str, str]:
    backend = {"torch": "torch", "jax": "jax"}.get(keras.backend.backend(), "tensorflow")
    packages = ("keras", backend, "numpy")
    return {"python": platform.python_version()} | {
        package: metadata.version(package) for package in packages
    }
