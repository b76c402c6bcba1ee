"""What a training came to: its record, its losses, and its model beside items it never saw."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from service.rows import Rows
from training import history
from training.pixel_noise import Floats, Noise

Kind = Literal["images", "sequences", "table"]
Losses = Sequence[Mapping[str, float]]
"""A row for each epoch, as a history.csv has it."""


class Source(Protocol):
    """Items that can be read by their positions."""

    def __len__(self) -> int: ...

    def take(self, positions: NDArray[np.int64] | slice) -> Floats:
        """Return items: pixels in [0, 1], or raw numbers, NaN where one is missing."""


@dataclass(frozen=True)
class Windows:
    """Windows of series, which share rows where the next begins before the last ends.

    Args:
        starts: The first row of each, (n,), of all series one after the other.
        steps: Rows of each.
    """

    starts: NDArray[np.int64]
    steps: int

    def first_apart(self, order: Iterable[int], most: int) -> list[int]:
        """Return positions in this order, each left out that overlaps an earlier one of them."""
        kept: list[int] = []
        for position in order:
            if len(kept) == most:
                break
            if all(abs(self.starts[position] - self.starts[each]) >= self.steps for each in kept):
                kept.append(position)
        return kept

    def apart(self) -> int:
        """Return the largest number of windows of which no two overlap."""
        count, end = 0, -1
        for start in sorted(self.starts.tolist()):
            if start > end:
                count, end = count + 1, start + self.steps - 1
        return count


@dataclass(frozen=True)
class Part:
    """Items that the weights were not fitted to.

    Args:
        name: Of the part: "validation" or "test".
        items: The items.
        title: Returns what tells an item from the others, by its position.
        labels: The class of each item; None where they have none.
        windows: Where items are cut from series; None of others.
    """

    name: str
    items: Source
    title: Callable[[int], str]
    labels: NDArray[np.str_] | None
    windows: Windows | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def independent(self) -> int:
        """How many items share nothing with each other."""
        return self.windows.apart() if self.windows else len(self)


@dataclass(frozen=True)
class Results:
    """A training that has ended, and its model.

    Args:
        name: Of the run.
        summary: One line on the model.
        kind: Of an item.
        facts: What the training was, by name, as a reader sees it.
        data: Those of the facts that are of the data.
        notes: What is to be known of the data.
        digest: Tells the items from others: the same have the same positions in both parts.
        losses: Of each phase, by its name.
        validation: Items to choose the threshold by.
        test: Items to show; the validation part where there are no others.
        rows: What rows a model of rows takes; None of images.
        encode: Returns the codings (n, ...) of items.
        reconstruct: Returns the reconstructions of items, in their numbers.
        noises: What a denoiser is to remove; none of another model.
    """

    name: str
    summary: str
    kind: Kind
    facts: Mapping[str, str]
    data: Mapping[str, str]
    notes: Sequence[str]
    digest: str
    losses: Mapping[str, Losses]
    validation: Part
    test: Part
    rows: Rows | None
    encode: Callable[[Floats], Floats]
    reconstruct: Callable[[Floats], Floats]
    noises: Sequence[Noise]


def read_losses(run: Path) -> dict[str, Losses]:
    """Return the losses of each phase of a run, by its name, in the order of training.

    Raises:
        ValueError: A history is damaged.
    """
    folders = [*sorted(run.glob("phase-*")), run / "fine-tuning", run / "whole"]
    found = {
        folder.name.replace("-", " "): history.read(
            folder / history.FILE_NAME, "loss", "mse", "val_loss", "val_mse"
        )
        for folder in folders
    }
    return {name: rows for name, rows in found.items() if rows}
