"""Calibration: the scores of items that are as they should be, as a manifest keeps them."""

from collections.abc import Iterable

import numpy as np

from service.calibration import Calibration
from service.inference.model import LoadedModel
from service.inference.pixels import Floats
from service.inference.scores import Numbers, scores

SHARES = (
    *(0, 0.01, 0.02),
    *np.arange(0.05, 0.96, 0.05).round(2).tolist(),
    *(0.96, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 1),
)
"""Shares of which the scores are kept, closer to each other where thresholds lie."""

ROUNDING = 1e-9
ALIKE = 1e-5
"""Share of the highest score by which scores differ that rounding alone makes differ."""


class ScoresAlike(ValueError):
    """Scores that tell no threshold: all are the same, or there are too few."""


def calibrate(model: LoadedModel, batches: Iterable[Floats], data: str) -> Calibration | None:
    """Return the calibration of a model by the scores of items, through the code that serves it.

    Args:
        model: The model.
        batches: Items as its encoder takes them, (batch, ...), which it was not trained on; two or
            more in all.
        data: What they are, in words.

    Returns:
        None of a model that does not reconstruct.

    Raises:
        ScoresAlike: The scores tell no threshold.
    """
    if "reconstruct" not in model.batchers:
        return None
    rows = model.manifest.rows
    found = [scores(each, model.infer("reconstruct", each), rows) for each in batches]
    return summary(np.concatenate(found), data)


def summary(values: Numbers, data: str) -> Calibration:
    """Return the calibration of scores (n,), rounded to 6 digits; NaN is left out.

    Raises:
        ScoresAlike: Fewer than two are numbers, or all are the same.
    """
    known = values[~np.isnan(values)]
    if are_alike(known):
        received = f"{len(known):,}" + (f", all {known[0]:.6g}" if len(known) > 1 else "")
        raise ScoresAlike(f"calibration: expected scores that differ, received {received}")
    shares = [share for share in SHARES if share == 1 or (1 - share) * len(known) > 1 - ROUNDING]
    return Calibration(
        data=data,
        items=len(known),
        mean=_rounded(known.mean()),
        deviation=_rounded(known.std()),
        shares=tuple(shares),
        scores=tuple(map(_rounded, np.quantile(known, shares))),
    )


def are_alike(known: Numbers) -> bool:
    """Return whether scores (n,) without NaN tell no threshold."""
    return len(known) < 2 or bool(known.max() - known.min() <= ALIKE * known.max())


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
