"""Photographs of real cameras, in pairs: one as taken, and the mean of many of the same scene."""

from pathlib import Path

from training.datasets.photos import Folder, open_image
from training.measurement import PAIRS
from training.photo.cases.case import Case

NOISY, CLEAN = "_real", "_mean"


def case(images: Folder) -> Case:
    """Return the pairs of a folder as clean and noisy images.

    Args:
        images: NAME_real.* and NAME_mean.*, of the same size; other images are left out.

    Raises:
        ValueError: There are no pairs, one is incomplete, its images differ in size, or an image
            cannot be read.
    """
    noisy, clean = (_named(images, ending) for ending in (NOISY, CLEAN))
    alone = sorted(noisy.keys() ^ clean.keys())
    if alone or not noisy:
        raise ValueError(
            f"{images.root}: expected pairs NAME{NOISY}.* and NAME{CLEAN}.*, received "
            + (f"half of {', '.join(map(str, alone))}" if alone else "none")
        )
    opened = [(open_image(noisy[name]), open_image(clean[name])) for name in sorted(noisy)]
    for name, (real, mean) in zip(sorted(noisy), opened, strict=True):
        if real.shape != mean.shape:
            raise ValueError(
                f"{images.root / name}: expected a pair of one size, received "
                f"{real.shape[1]} x {real.shape[0]} and {mean.shape[1]} x {mean.shape[0]} pixels"
            )
    return Case.measured(PAIRS, [mean for _, mean in opened], [real for real, _ in opened])


def _named(images: Folder, ending: str) -> dict[Path, Path]:
    """Files whose name ends so, by their path without the ending."""
    return {
        path.relative_to(images.root).with_name(path.stem.removesuffix(ending)): path
        for path in images.paths
        if path.stem.endswith(ending)
    }
