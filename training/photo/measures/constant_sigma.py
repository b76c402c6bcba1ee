"""The best PSNR of a model that is given one constant noise level for all images of a case."""

from collections.abc import Callable, Iterator

from service.manifest import Measurement
from training.measurement import CONSTANT_SIGMA, CORRUPTED, MODEL
from training.photo.cases.case import Case
from training.photo.measures.bench import Bench
from training.photo.measures.estimates import estimates
from training.scores import psnr

CANDIDATES = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0)
"""Noise levels on the scale of 0 to 255."""
FIRST = 5.0
"""Of the candidates, the one that is tried first."""


def against_constant(bench: Bench, case: Case) -> Iterator[Measurement]:
    """Measure the model blind, told the best constant noise level, and which one that is."""
    results = bench.blind(case)
    alone = psnr([each.output for each in results], case.clean)
    yield bench.figure("psnr", case.condition, MODEL, alone)
    yield bench.figure("psnr", case.condition, CORRUPTED, psnr(case.noisy, case.clean))
    yield from estimates(bench, case, results)
    sigma, told = best(lambda each: psnr(bench.told(case, each), case.clean))
    yield bench.figure("psnr", case.condition, CONSTANT_SIGMA, told)
    yield bench.figure("sigma", case.condition, CONSTANT_SIGMA, sigma)


def best(quality: Callable[[float], float]) -> tuple[float, float]:
    """Return the candidate of the best quality and that quality, climbing from the first.

    The quality is taken to rise up to one candidate and to fall beyond, as PSNR does.
    """
    known: dict[int, float] = {}

    def of(index: int) -> float:
        if index not in known:
            known[index] = quality(CANDIDATES[index])
        return known[index]

    place = CANDIDATES.index(FIRST)
    for step in (1, -1):
        start = place
        while 0 <= place + step < len(CANDIDATES) and of(place + step) > of(place):
            place += step
        if place != start:
            break
    return CANDIDATES[place], of(place)
