"""Items of a data set: an array in memory or mapped from a file, and which of them are meant."""

import hashlib
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.manifest import Pixels
from service.rows import Rows
from training.datasets.split import Parts
from training.pixel_noise import Floats
from training.scaling import Scaling

BATCH = 1024


@dataclass(frozen=True)
class Items:
    """One part of a data set.

    Args:
        array: All items of the data set, (n, ...): uint8 pixels, or raw numbers as float32.
        indices: Those of this part.
        lengths: Steps of each sequence of the array, which is NaN after them; None where all have
            the same.
    """

    array: NDArray[Any]
    indices: NDArray[np.int64]
    lengths: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an item."""
        return self.array.shape[1:]

    @property
    def nbytes(self) -> int:
        """Bytes of all items as float32."""
        return 4 * len(self) * int(np.prod(self.shape))

    def take(self, positions: Any) -> Floats:
        """Return items by their positions in this part: pixels in [0, 1], or raw numbers."""
        taken = self.array[self.indices[positions]]
        if taken.dtype == np.uint8:
            taken = np.divide(taken, 255, dtype=np.float32)
        floats: Floats = np.asarray(taken)
        return floats

    def all(self) -> Floats:
        """Return all items of this part."""
        return self.take(slice(None))

    def some(self, most: int) -> "Items":
        """Return items of this part, at most so many, from all over it."""
        chosen = self.indices[:: max(1, math.ceil(len(self) / most))]
        return Items(self.array, chosen, self.lengths)

    def alike(self, count: int) -> Floats:
        """Return the first items; of sequences as many steps as the shortest of them has."""
        taken = self.take(slice(count))
        if self.lengths is None:
            return taken
        return taken[:, : self.lengths[self.indices[:count]].min()]

    def batches(self, size: int = BATCH) -> Iterator[Floats]:
        """Yield the items in order, at most so many at a time, and of one length."""
        lengths = np.zeros(len(self)) if self.lengths is None else self.lengths[self.indices]
        edges = [0, *(np.flatnonzero(np.diff(lengths)) + 1).tolist(), len(self)]
        for first, end in pairwise(edges):
            for start in range(first, end, size):
                taken = self.take(slice(start, min(end, start + size)))
                yield taken if self.lengths is None else taken[:, : int(lengths[start])]


@dataclass(frozen=True)
class DataSet:
    """One's own data, split.

    Args:
        train: Items to train on.
        validation: Items to choose the best epoch and the calibration by.
        test: Items to test with; there may be none.
        labels: The class of each item of the array, by its index, empty where it has none; None
            where all have none.
        pixels: How pixels become numbers; None of rows.
        rows: What rows the model takes; None of images.
        scaling: What rows are scaled by; None of images.
        digest: SHA-256 of all items.
        notes: What the user should know of how the data were read.
        sources: What each item of the array was read from, by its index; none where the index
            tells.
        broken: Image files that cannot be decoded and are left out.
    """

    train: Items
    validation: Items
    test: Items
    labels: NDArray[np.str_] | None
    pixels: Pixels | None
    rows: Rows | None
    scaling: Scaling | None
    digest: str
    notes: tuple[str, ...]
    sources: Sequence[str] = ()
    broken: int = 0

    def scaled(self, values: Floats) -> Floats:
        """Return items as a model trains on them."""
        return self.scaling.scaled(values) if self.scaling else values

    def classified(self, part: Items) -> Items:
        """Return the items of a part that have a class."""
        if self.labels is None:
            return replace(part, indices=part.indices[:0])
        return replace(part, indices=part.indices[self.labels[part.indices] != ""])

    def labels_of(self, part: Items) -> NDArray[np.str_] | None:
        """Return the classes of the items of a part."""
        return None if self.labels is None else self.labels[part.indices]


def parts_of(
    array: NDArray[Any], parts: Parts, lengths: NDArray[np.int64] | None = None
) -> tuple[Items, Items, Items]:
    """Return the items to train on, to validate with and to test with."""
    train, validation, test = (
        Items(array, indices, lengths) for indices in (parts.train, parts.validation, parts.test)
    )
    return train, validation, test


def mapped(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """Return an array of zeros in a temporary file that is mapped into memory.

    The operating system keeps in memory what is used of it, and removes the file in the end.
    """
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype, "w+", shape=shape)


def digest(array: NDArray[Any]) -> str:
    """Return the SHA-256 of the type, shape and numbers of an array, as hexadecimal digits."""
    found = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    for start in range(0, len(array), BATCH):
        found.update(array[start : start + BATCH].tobytes())
    return found.hexdigest()
