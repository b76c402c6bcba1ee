"""Histograms that take many values at once."""

from collections.abc import Sequence

import numpy as np
from prometheus_client import Histogram


def observe(histogram: Histogram, values: Sequence[float]) -> None:
    """Count values, as Histogram.observe() does each, which takes two locks.

    Args:
        histogram: A histogram with its labels.
        values: One or more values.
    """
    # prometheus_client has no public method for this.
    bounds, buckets = histogram._upper_bounds, histogram._buckets  # noqa: SLF001
    counts = np.bincount(np.searchsorted(bounds, values), minlength=len(bounds)).tolist()
    for bucket, count in zip(buckets, counts, strict=True):
        if count:
            bucket.inc(count)
    histogram._sum.inc(sum(values))  # noqa: SLF001
