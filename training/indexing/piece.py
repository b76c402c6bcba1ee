"""Some items of a data set, on their way into an index."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.inference.pixels import Floats

SIZE = 256
"""Items of a piece, at most."""


@dataclass(frozen=True)
class Piece:
    """Some items.

    Args:
        inputs: The items as the encoder takes them, (items, ...).
        ids: By which a user finds each of them again.
        labels: The class of each, None where it has none.
        first: The number of the first of them among the windows of its series; None where
            items are no windows.
    """

    inputs: Floats
    ids: Sequence[str]
    labels: Sequence[str | None]
    first: int | None = None
