"""Cases whose anomalies are windows of a series in which something is wrong.

The series are files of the package aeon 1.6, which need not be imported: a real one, the arterial
pressure of a patient with internal bleeding (Keogh et al., "Multi-dataset Time-Series Anomaly
Detection Competition", SIGKDD 2021, number 135), and an artificial electrocardiogram (Wenig et al.,
"TimeEval", VLDB 2022).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from training.experiments.case_classes import few
from training.experiments.cases import Case, Normal
from training.experiments.setup import Setup
from training.own.item import Item
from training.own.recipes import FOR
from training.pixel_noise import Floats

PACKAGE = "aeon"
GROUP = "series"
STEPS = 64
"""Of a window."""
MOST = 1000
"""Windows to train on; they overlap as far as that needs."""
TOO_SLOW = "recurrent"
"""It takes as long over 64 steps as all the others together."""
VALIDATION = 0.1
"""Share of the normal series, its end."""


@dataclass(frozen=True)
class Files:
    """A series in two files, of rows of time, value, and whether it is an anomaly.

    Args:
        condition: What the anomalies are in.
        train: Without anomalies.
        test: With some.
        skip: Rows of the test file that are those of the other one.
    """

    condition: str
    train: str
    test: str
    skip: int = 0


FILES = (
    Files(
        "bleeding",
        "KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TRAIN.csv",
        "KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TEST.csv",
        skip=1200,
    ),
    Files(
        "artificial ECG",
        "UnitTest/ecg-diff-count-3_TRAIN_NA.csv",
        "UnitTest/ecg-diff-count-3_TEST.csv",
    ),
)


def folder() -> Path | None:
    """Return the folder of the series, None where the package is not installed."""
    spec = find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) / "datasets" / "data" if places else None


def series(setup: Setup, root: Path) -> Iterator[Case]:
    """Yield a case for each series and seed.

    A window is an anomaly if any of its steps is. Values are scaled by mean and standard deviation
    of the normal series.

    Args:
        setup: The seeds and the epochs.
        root: Folder of the files.

    Raises:
        ValueError: A file is damaged.
    """
    names = tuple(
        name for name in setup.architectures if "sequences" in FOR[name] and name != TOO_SLOW
    )
    for files in FILES:
        known, _ = _read(root / files.train)
        values, wrong = _read(root / files.test)
        scaled = ((each - known.mean()) / known.std() for each in (known, values[files.skip :]))
        start, test = (each.astype(np.float32) for each in scaled)
        end = round(len(start) * (1 - VALIDATION))
        train = windows(start[:end])[:: max(1, end // MOST)]
        validation = windows(start[end:])
        recipes = few(
            Item("sequences", (STEPS, 1), masks=False, count=len(train)), names, setup.epochs
        )
        anomalous = np.asarray(sliding_window_view(wrong[files.skip :], STEPS).max(axis=1))
        for seed in range(setup.seeds):
            yield Case(
                GROUP,
                files.condition,
                seed,
                Normal(train, validation),
                windows(test),
                anomalous,
                recipes,
            )


def windows(values: Floats) -> Floats:
    """Return each window of a series (rows,), (windows, steps, 1)."""
    return np.ascontiguousarray(sliding_window_view(values, STEPS)[..., np.newaxis])


def _read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the values of a file, and whether each is an anomaly."""
    try:
        rows = np.loadtxt(path, delimiter=",", skiprows=1)
        return rows[:, 1], rows[:, 2] > 0
    except (OSError, ValueError, IndexError) as error:
        raise ValueError(f"{path}: expected a series, received: {error}") from error
