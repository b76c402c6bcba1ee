"""How well a model that estimates the noise level of photographs does so."""

from collections.abc import Iterator, Sequence

import numpy as np

from service.inference.tiling.denoise import Denoised
from service.manifest import Measurement
from training.measurement import MODEL
from training.photo.cases.case import Case
from training.photo.measures.bench import Bench

LOWEST = 0.01
"""An estimate below this noise level counts as this."""


def estimates(bench: Bench, case: Case, results: Sequence[Denoised]) -> Iterator[Measurement]:
    """Yield the geometric mean and spread of estimated over true noise level, if estimated.

    The spread is the geometric standard deviation over the images, 1 where there is none; images
    without noise do not count.
    """
    ratios = [
        max(result.noise[0].sigma, LOWEST) / sigma
        for result, sigma in zip(results, case.sigma, strict=True)
        if result.noise and sigma > 0
    ]
    if ratios:
        logs = np.log(ratios)
        yield bench.figure("estimate", case.condition, MODEL, float(np.exp(logs.mean())))
        yield bench.figure("spread", case.condition, MODEL, float(np.exp(logs.std())))
