"""Histograms that take many values at once, with the traces of requests as exemplars."""

import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from prometheus_client import Histogram
from prometheus_client.samples import Exemplar

Trace = Mapping[str, str]
"""The `trace_id` and `span_id` of a request that is sampled, in hexadecimal; empty without."""
UNTRACED: Trace = MappingProxyType({})


def observe(histogram: Histogram, values: Sequence[float], traces: Sequence[Trace] = ()) -> None:
    """Count values, as Histogram.observe() does each, which takes two locks.

    Args:
        histogram: A histogram with its labels.
        values: One or more values.
        traces: The trace of each value: the last of a bucket is its exemplar (OpenMetrics 1.0,
            section Exemplars). Workers that share their metrics keep none.
    """
    # prometheus_client has no public method for this.
    bounds, buckets = histogram._upper_bounds, histogram._buckets  # noqa: SLF001
    places = np.searchsorted(bounds, values)
    counts = np.bincount(places, minlength=len(bounds)).tolist()
    for bucket, count in zip(buckets, counts, strict=True):
        if count:
            bucket.inc(count)
    histogram._sum.inc(sum(values))  # noqa: SLF001
    for place, value, trace in zip(places, values, traces, strict=False):
        if trace:
            buckets[place].set_exemplar(Exemplar(dict(trace), value, time.time()))
