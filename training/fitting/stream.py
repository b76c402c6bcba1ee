"""Batches of items that are read while a model trains, for data larger than memory."""

import math
from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np

from training.fitting.masked import filled
from training.pixel_noise import Floats


class Source(Sized, Protocol):
    """Items that can be read by their positions."""

    def take(self, positions: Any) -> Floats:
        """Return items by their positions."""


@dataclass(frozen=True)
class Stream:
    """Items that are too large for memory.

    Args:
        items: What is read.
        scaled: Turns items into the model's numbers.
    """

    items: Source
    scaled: Callable[[Floats], Floats]

    def __len__(self) -> int:
        return len(self.items)


class Batches(keras.utils.PyDataset):
    """Batches of inputs and targets, in another order in each epoch.

    Args:
        stream: What is read.
        batch_size: Items a batch.
        seed: Of the order.
        pads: As masked.filled() has it.
    """

    def __init__(self, stream: Stream, batch_size: int, seed: int, *, pads: bool = False) -> None:
        super().__init__()
        self._stream = stream
        self._batch_size = batch_size
        self._pads = pads
        self._random = np.random.default_rng(seed)
        self._order = self._random.permutation(len(stream))

    def count(self) -> int:
        """Return the number of items of an epoch."""
        return len(self._stream)

    @property
    def num_batches(self) -> int:
        return math.ceil(len(self._stream) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Floats, Floats]:
        start = index * self._batch_size
        # Rising positions: neighbours in the file are read together.
        positions = np.sort(self._order[start : start + self._batch_size])
        targets = self._stream.scaled(self._stream.items.take(positions))
        return filled(targets, pads=self._pads), targets

    def on_epoch_end(self) -> None:
        self._order = self._random.permutation(len(self._stream))
