"""Errors that a mean over photographs hides: on plain gray, at its border, in the brightness."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from service.manifest import Measurement
from training.datasets.photos import Pixels
from training.measurement import MODEL
from training.photo.cases.case import Case
from training.photo.measures.bench import Bench

BORDER = 8
"""Pixels from the edge that count as border."""
BLOCK = 64
"""Height and width of blocks in pixels."""


def plain(bench: Bench, case: Case) -> Iterator[Measurement]:
    """Measure the root mean square of the error inside and in the outer 8 pixels."""
    errors = np.stack(
        [
            result.output.astype(np.float64) - clean
            for result, clean in zip(bench.blind(case), case.clean, strict=True)
        ]
    )
    inside = np.zeros(errors.shape[1:3], bool)
    inside[BORDER:-BORDER, BORDER:-BORDER] = True
    for where, mask in (("inside", inside), (f"the outer {BORDER} pixels", ~inside)):
        value = float(np.sqrt(np.mean(errors[:, mask] ** 2)))
        yield bench.figure("rms", f"{case.condition}, {where}", MODEL, value)


def brightness(bench: Bench, case: Case) -> Iterator[Measurement]:
    """Measure how far the means of blocks of 64 x 64 pixels move, in each channel by itself.

    From the noisy image, whose own means the noise has moved by chance, and from the clean one.
    """
    restored = [_means(each.output) for each in bench.blind(case)]
    for origin, images in (("noisy", case.noisy), ("clean", case.clean)):
        means = [_means(each) for each in images]
        shifts = np.concatenate(
            [np.abs(out - source).ravel() for out, source in zip(restored, means, strict=True)]
        )
        condition = f"{case.condition}, blocks against the {origin} ones"
        yield bench.figure("mean shift", condition, MODEL, float(shifts.mean()))
        yield bench.figure("largest shift", condition, MODEL, float(shifts.max()))


def _means(image: Pixels) -> NDArray[np.float64]:
    """The means (rows, columns, 3) of blocks; an incomplete one at the edge is left out.

    A side that is shorter than a block is one block.
    """
    rows, columns = (min(BLOCK, side) for side in image.shape[:2])
    down, across = image.shape[0] // rows, image.shape[1] // columns
    whole = image[: down * rows, : across * columns].astype(np.float64)
    means: NDArray[np.float64] = whole.reshape(down, rows, across, columns, 3).mean((1, 3))
    return means
