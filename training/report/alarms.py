"""What is to be known of a threshold: how many items place it, and whether the test part fits."""

from collections.abc import Iterator

import numpy as np

from service.inference.anomalies import RATE, Threshold
from training.report.figures import share
from training.report.measure import Measured
from training.results import Results

UNLIKELY = 0.05
"""A p-value below which shares differ by more than chance."""


def remarks(results: Results, measured: Measured) -> Iterator[str]:
    """Yield sentences on the threshold of a model; none where there is none."""
    above, validation, test = measured.above, results.validation, results.test
    if above is None:
        return
    if above.rate > RATE:
        yield (
            f"The false-alarm rate of {share(above.rate)} is the lowest that {len(validation):,} "
            "items of the validation part tell."
        )
    apart = validation.independent
    if apart < len(validation):
        yield (
            f"The validation part has {len(validation):,} windows, of which {apart:,} do not "
            f"overlap: the threshold is as uncertain as one of {apart:,} items, and may be far off."
        )
    if test is not validation and (found := _far(measured.test, test.independent, above)):
        yield found


def _far(scores: np.ndarray, apart: int, above: Threshold) -> str:
    """Return a sentence where a part does not have the share of false alarms; else nothing."""
    from scipy.stats import binomtest

    known = scores[~np.isnan(scores)]
    received = float(np.mean(known > above.score)) if len(known) else above.rate
    count = min(apart, len(known))
    if not count or binomtest(round(received * count), count, above.rate).pvalue >= UNLIKELY:
        return ""
    apart_alone = " that do not overlap" if count < len(known) else ""
    side = "more" if received > above.rate else "fewer"
    return (
        f"{share(received)} of the test part lie above the threshold, {side} than chance makes of "
        f"a rate of {share(above.rate)} (binomial test of {count:,} items{apart_alone}): the test "
        "part differs from the validation part, or the validation part is too small to place the "
        "threshold."
    )
