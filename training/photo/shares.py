"""The share of each batch that one of several processes trains on."""

from dataclasses import dataclass, fields, replace
from typing import Any

from training.datasets.photos import Photos, Pixels
from training.photo.stream import Source


@dataclass(frozen=True)
class Share:
    """The share of a batch that a process trains on.

    Args:
        batch: Some of the batch's samples, at least one.
        weight: Their number over that of the batch; 0 where the batch has fewer samples than there
            are processes.
        parts: Into how many shares the batch is divided.
    """

    batch: Any
    weight: float
    parts: float


@dataclass(frozen=True)
class Shares:
    """The share of one process of each batch of a source.

    Every process makes the whole batch, as its numbers come from one random generator.

    Args:
        source: Of the batches, dataclasses of arrays whose first axis is that of the samples.
        number: Of the process, from 0.
        count: Of all processes.
    """

    source: Source[Any]
    number: int
    count: int

    @property
    def photos(self) -> Photos:
        return self.source.photos

    def draw(self, number: int, size: int, arrays: list[Pixels]) -> Share:
        """Return the share of the batch of a number and a patch size."""
        batch = self.source.draw(number, size, arrays)
        names = [field.name for field in fields(batch)]
        samples = len(getattr(batch, names[0]))
        start, end = (samples * each // self.count for each in (self.number, self.number + 1))
        weight = (end - start) / samples
        if start == end:
            start, end = 0, 1
        part = replace(batch, **{name: getattr(batch, name)[start:end] for name in names})
        return Share(part, weight, samples / (end - start))
