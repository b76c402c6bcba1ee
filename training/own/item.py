"""What a model of one's own data is built for."""

import math
from dataclasses import dataclass

from training.datasets.description import Kind


@dataclass(frozen=True)
class Item:
    """What a model is built for.

    Args:
        kind: Of the data.
        shape: Of an item; None for any number of steps.
        masks: Whether numbers may be missing.
        count: Items to train on.
        pads: Whether they are sequences of several lengths.
    """

    kind: Kind
    shape: tuple[int | None, ...]
    masks: bool
    count: int
    pads: bool = False

    @property
    def sides(self) -> tuple[int, ...]:
        """The shape of items that are all of one size."""
        return tuple(side or 0 for side in self.shape)

    @property
    def size(self) -> int:
        """Numbers of an item."""
        return math.prod(self.sides)

    @property
    def output_activation(self) -> str:
        """Of the last layer: pixels are in [0, 1], scaled numbers are not."""
        return "sigmoid" if self.kind == "images" else "linear"
