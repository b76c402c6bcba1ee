"""What scores mean: their rank among those of items that are as they should be, and a threshold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.calibration import Calibration
from service.errors import InvalidValue
from service.inference.scores import Numbers

RATE = 0.01
"""The share of items that are as they should be and have scores above the threshold, by default."""

ROUNDING = 1e-4
"""By how much less a rate may be, as the message of the error has six digits of the lowest one."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The score above which an item is an anomaly.

    Attributes:
        rate: The share of the items of the calibration that have a higher one.
        score: The score.
    """

    rate: float
    score: float


@dataclass(frozen=True, slots=True)
class Ranks:
    """What scores are beside those of a calibration.

    Attributes:
        percentiles: The share of its items with a lower score, 0 to 100; (batch,).
        z_scores: Standard deviations above the mean of its items, (batch,).
        is_anomaly: Whether the score is above the threshold, (batch,); None of NaN.
    """

    percentiles: Numbers
    z_scores: Numbers
    is_anomaly: NDArray[np.bool_] | list[bool | None]


def threshold_of(
    name: str, calibration: Calibration | None, rate: float | None
) -> Threshold | None:
    """Return the threshold of a model by its name, None where it is not calibrated.

    Raises:
        InvalidValue: A rate is asked for that it cannot tell.
    """
    if calibration:
        return threshold(calibration, rate)
    if rate is not None:
        raise InvalidValue(
            f"false_alarm_rate: expected none, as {name} is not calibrated, received {rate:g}"
        )
    return None


def threshold(calibration: Calibration, rate: float | None) -> Threshold:
    """Return the threshold for a rate of false alarms.

    Args:
        calibration: Has the scores of so many items.
        rate: The share of them above the threshold; None for RATE, or the lowest that so few items
            tell.

    Raises:
        InvalidValue: They are too few to tell a rate so low.
    """
    lowest = 1 / calibration.items
    if rate is None:
        rate = max(RATE, lowest)
    if rate < (1 - ROUNDING) * lowest:
        raise InvalidValue(
            f"false_alarm_rate: expected at least {lowest:g}, as the model is calibrated on "
            f"{calibration.items} items, received {rate:g}"
        )
    return Threshold(rate, float(np.interp(1 - rate, calibration.shares, calibration.scores)))


def ranks(scores: Numbers, calibration: Calibration, above: Threshold) -> Ranks:
    """Return what scores (batch,) are beside those of a calibration; NaN stays NaN."""
    return Ranks(
        100 * np.interp(scores, calibration.scores, calibration.shares),
        (scores - calibration.mean) / calibration.deviation,
        _verdicts(scores, above),
    )


def _verdicts(scores: Numbers, above: Threshold) -> NDArray[np.bool_] | list[bool | None]:
    if np.isnan(scores).any():
        return [None if np.isnan(each) else bool(each > above.score) for each in scores]
    found: NDArray[np.bool_] = scores > above.score
    return found
