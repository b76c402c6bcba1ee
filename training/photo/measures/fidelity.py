"""How close restored images are to the clean ones: PSNR and SSIM of each method."""

from collections.abc import Iterator, Sequence

import numpy as np

from service.manifest import Measurement
from training.datasets.photos import Pixels
from training.measurement import CORRUPTED, MODEL, WITH_SIGMA
from training.photo.cases.case import Case
from training.photo.classical import Restore
from training.photo.measures import estimates
from training.photo.measures.bench import Bench
from training.scores import psnr, ssim


def clean(bench: Bench, images: Sequence[Pixels], condition: str) -> Iterator[Measurement]:
    """Measure what the model makes of images without noise, the worst of them too."""
    case = Case(condition, images, images, [0.0] * len(images))
    restored = [each.output for each in bench.blind(case)]
    yield from scores(bench, case, MODEL, restored)
    pairs = zip(restored, images, strict=True)
    worst = float(np.min([psnr([each], [origin]) for each, origin in pairs]))
    yield bench.figure("worst psnr", condition, MODEL, worst)


def blind(bench: Bench, case: Case) -> Iterator[Measurement]:
    """Measure the model without a noise level, the noisy images, and the model's estimates."""
    results = bench.blind(case)
    yield from scores(bench, case, MODEL, [each.output for each in results])
    yield from scores(bench, case, CORRUPTED, case.noisy)
    yield from estimates.estimates(bench, case, results)


def told(bench: Bench, case: Case, sigma: float | None = None) -> Iterator[Measurement]:
    """Measure the model with the true noise level of each image, or with one for all."""
    method = WITH_SIGMA if sigma is None else f"{WITH_SIGMA} {sigma:g}"
    yield from scores(bench, case, method, bench.told(case, sigma))


def other(bench: Bench, case: Case, method: str, restore: Restore) -> Iterator[Measurement]:
    """Measure another denoiser."""
    yield from scores(bench, case, method, bench.restore(case, restore))


def scores(
    bench: Bench, case: Case, method: str, restored: Sequence[Pixels]
) -> Iterator[Measurement]:
    """Yield the means over the images of PSNR and SSIM."""
    yield bench.figure("psnr", case.condition, method, psnr(restored, case.clean))
    yield bench.figure("ssim", case.condition, method, ssim(restored, case.clean))
