"""Histograms that take many values at once, with the traces of requests as exemplars."""

import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from prometheus_client import Histogram
from prometheus_client.samples import Exemplar

Trace = Mapping[str, str]
"""The `trace_id` and `span_id` of a request that is sampled, in hexadecimal; empty without."""
UNTRACED: Trace = MappingProxyType({})


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


def show(histogram: Histogram, value: float, trace: Trace) -> None:
    """Make a value, which is counted, the exemplar of its bucket (OpenMetrics 1.0, Exemplars).

    Args:
        histogram: A histogram with its labels. Workers that share their metrics keep no exemplars.
        value: The value.
        trace: Its trace.
    """
    place = bisect_left(histogram._upper_bounds, value)  # noqa: SLF001
    exemplar = Exemplar(dict(trace), value, time.time())
    histogram._buckets[place].set_exemplar(exemplar)  # noqa: SLF001
