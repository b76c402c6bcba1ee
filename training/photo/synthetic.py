"""Synthetic images beside the photographs: an unlimited supply of edges and of plain areas."""

from collections.abc import Sequence

from training.datasets.photos import Pixels
from training.photo.dead_leaves import SIZE, dead_leaves
from training.photo.patches import SYNTHETIC
from training.photo.plain import plain

MOST, PHOTOGRAPHS = 64, 9
"""Images at most, and photographs for each."""
PLAIN = 3
"""Every n-th image is plain, the others are dead leaves."""


def synthetic(palette: Sequence[Pixels]) -> list[Pixels]:
    """Return synthetic images, one for nine photographs.

    Args:
        palette: The photographs, whose pixels give the colours.
    """
    count = min(MOST, max(1, len(palette) // PHOTOGRAPHS))
    return [
        (dead_leaves if (index + 1) % PLAIN else plain)(palette, seed=index, size=SIZE)
        for index in range(count)
    ]


def share() -> str:
    """Return in words how many patches are cut from them."""
    return f"{SYNTHETIC:.0%} of the patches of synthetic images, one in {PLAIN} of them plain"
