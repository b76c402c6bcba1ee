"""The record of a training run, training.json, and whose folder a run's folder is."""

import json
import platform
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Self

FILE_NAME = "training.json"
TRIALS = "trials.db"
"""What a search for settings has tried, before there is a record."""


@dataclass(frozen=True)
class RunRecord:
    """Base of the families' records: reads and writes the fields of training.json."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the record of a run's folder.

        Raises:
            FileNotFoundError: The folder has none.
            ValueError: The record is damaged, or of another family.
        """
        try:
            return cls(**json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{folder / FILE_NAME}: expected a record, received: {error}"
            ) from error

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Return the record of a run's folder, None where the folder is missing or empty.

        Raises:
            FileExistsError: The folder holds something else than a run.
            ValueError: The record is damaged, or of another family.
        """
        _check_is_run(folder)
        return cls.read(folder) if (folder / FILE_NAME).exists() else None

    def write(self, folder: Path) -> None:
        """Write the record into a run's folder, atomically."""
        draft = folder / f"{FILE_NAME}.new"
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        draft.replace(folder / FILE_NAME)


def trained_at(folder: Path) -> datetime | None:
    """Return when the training of a run's folder ended, None where it has not."""
    fields = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    ended = fields.get("trained_at", "")
    return datetime.fromisoformat(ended) if ended else None


def clear(folder: Path, *, keep: str = "") -> None:
    """Remove a run's folder, or all of it but the file of a name.

    Raises:
        FileExistsError: The folder holds something else than a run.
    """
    _check_is_run(folder)
    if folder.exists() and not keep:
        shutil.rmtree(folder)
    for path in folder.iterdir() if folder.exists() else ():
        if path.name != keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of packages, for a record."""
    return {"python": platform.python_version()} | {
        package: metadata.version(package) for package in packages
    }


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """Name a file of a run in the error of a block that cannot read it.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: The file is damaged.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected {expected}, received no file")
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path}: expected {expected}, received: {error}; train anew with --again"
        ) from error


def _check_is_run(folder: Path) -> None:
    """Raise FileExistsError for a folder of other files, which must not be used or removed."""
    names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if names and FILE_NAME not in names and TRIALS not in names:
        raise FileExistsError(
            f"{folder}: expected a training with its {FILE_NAME}, or nothing, received {names}"
        )
