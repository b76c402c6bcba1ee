"""What is remembered of a training beside its weights, and whose folder it is."""

import json
import platform
import shutil
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Self

FILE_NAME = "training.json"


@dataclass(frozen=True)
class Kept:
    """What training.json in a run's folder keeps, whatever its fields are."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the record of a run's folder.

        Raises FileNotFoundError where it has none, ValueError where it is not as this one.
        """
        try:
            return cls(**json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{folder / FILE_NAME}: expected a record, received: {error}"
            ) from error

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Return the record of a run's folder, None where there is nothing in it yet.

        Raises FileExistsError where the folder holds what is no training, ValueError where the
        record is not as this one.
        """
        _check_is_run(folder)
        return cls.read(folder) if (folder / FILE_NAME).exists() else None

    def write(self, folder: Path) -> None:
        """Write the record into a run's folder."""
        draft = folder / f"{FILE_NAME}.new"
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        draft.replace(folder / FILE_NAME)  # whole or not at all, whenever it is stopped


@dataclass(frozen=True)
class Record(Kept):
    """A training: first what tells it from any other, then what is known once it has ended.

    settings: how each phase is fitted, in words; model: a digest of the model's configuration;
    trained_at: ISO 8601, empty until the training has ended; versions: of the packages used.
    """

    command: str
    seed: int
    training_images: int
    validation_images: int
    settings: str
    model: str
    backend: str
    epochs: int = 0
    validation_mse_before_fine_tuning: float | None = None
    trained_at: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether there is a trained model beside this record."""
        return self.trained_at != ""

    def is_of(self, other: "Record") -> bool:
        """Tell whether both are of one training, however far it has come."""
        mine, others = (
            replace(
                each,
                command="",
                epochs=0,
                validation_mse_before_fine_tuning=None,
                trained_at="",
                versions={},
            )
            for each in (self, other)
        )
        return mine == others


def clear(folder: Path) -> None:
    """Remove a run's folder. Raises FileExistsError where it holds what is no training."""
    _check_is_run(folder)
    if folder.exists():
        shutil.rmtree(folder)


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of packages, for a record."""
    return {"python": platform.python_version()} | {
        package: metadata.version(package) for package in packages
    }


def _check_is_run(folder: Path) -> None:
    """What is no training was put there by somebody, and is neither used nor removed."""
    names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if names and FILE_NAME not in names:
        raise FileExistsError(
            f"{folder}: expected a training with its {FILE_NAME}, or nothing, received {names}"
        )
