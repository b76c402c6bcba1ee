"""Split items into parts to train on, to validate with and to test with, by a seed or in time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.rows import Window
from training.datasets.description import Split

Indices = NDArray[np.int64]
FEWEST = {"train": 6, "validation": 2, "test": 0}
"""Items of a part: the export compares 6, a standard deviation needs 2."""


@dataclass(frozen=True)
class Parts:
    """Indices of the items of each part, rising."""

    train: Indices
    validation: Indices
    test: Indices

    def checked(self, name: str) -> "Parts":
        """Return these parts.

        Raises:
            ValueError: One of them is too small.
        """
        for part, fewest in FEWEST.items():
            if (received := len(getattr(self, part))) < fewest:
                raise ValueError(
                    f"{name}: expected at least {fewest} items to {_PURPOSES[part]}, received "
                    f"{received}"
                )
        return self


_PURPOSES = {"train": "train on", "validation": "validate with", "test": "test with"}


def by_groups(groups: NDArray[np.int64], split: Split) -> Parts:
    """Split items at random, those of one group into the same part.

    Args:
        groups: (items,), the number of the group of each.
        split: Shares of the groups, and the seed.
    """
    names = np.unique(groups)
    shuffled = np.random.default_rng(split.seed).permutation(names)
    test = round(split.test * len(names))
    validation = max(round(split.validation * len(names)), min(2, len(names)))
    held_out = np.split(shuffled, [test, test + validation])
    parts = [np.flatnonzero(np.isin(groups, each)) for each in held_out]
    return Parts(train=parts[2], validation=parts[1], test=parts[0])


def by_time(lengths: Sequence[int], window: Window, split: Split) -> tuple[Parts, int]:
    """Split each series in time, first what to train on, last what to test with.

    No window reaches from one part into the next, as it would be in both.

    Args:
        lengths: Rows of each series; the series follow each other.
        window: Rows of a window and from one to the next.
        split: Shares of the rows; the seed is not used.

    Returns:
        The first rows of the windows of each part, and how many rows are in no window.
    """
    found: dict[str, list[Indices]] = {"train": [], "validation": [], "test": []}
    start, covered = 0, 0
    for length in lengths:
        test = round(split.test * length)
        validation = round(split.validation * length)
        ends = (length - validation - test, length - test, length)
        first = 0
        for part, end in zip(found, ends, strict=True):
            starts = np.arange(first, end - window.steps + 1, window.stride)
            found[part].append(start + starts)
            if len(starts):
                last = starts[-1] + window.steps - first
                covered += min(last, len(starts) * window.steps)
            first = end
        start += length
    return Parts(**{part: np.concatenate(each) for part, each in found.items()}), start - covered
