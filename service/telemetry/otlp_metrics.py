"""The metrics of /metrics by OTLP, each minute: nothing is counted twice, or while requests run."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable
from itertools import pairwise

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

from service import __version__
from service.telemetry import otlp

INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
CUMULATIVE = AggregationTemporality.CUMULATIVE

log = logging.getLogger(__name__)


class ExportedMetrics:
    """Exports the metrics of this process."""

    def __init__(self, collect: Callable[[], Iterable[Family]]) -> None:
        """Create an exporter.

        Args:
            collect: Returns the metrics of this process, not of other workers.
        """
        self._collect = collect
        self._exporter = OTLPMetricExporter()
        self._since = time.time_ns()

    async def follow(self, update: Callable[[], None]) -> None:
        """Export the metrics every OTEL_METRIC_EXPORT_INTERVAL milliseconds, 60,000 if not set.

        Args:
            update: Brings them up to date, on the event loop.
        """
        while True:
            await asyncio.sleep(float(os.environ.get(INTERVAL) or 60_000) / 1000)
            try:
                update()
            except Exception:
                log.exception("cannot bring the metrics up to date")
            await asyncio.to_thread(self._export)

    def close(self, seconds: float = 5.0) -> None:
        """Export the metrics for the last time; give up after a number of seconds."""
        otlp.finish(self._export, seconds)
        otlp.finish(self._exporter.shutdown, seconds)

    def _export(self) -> None:
        try:
            self._exporter.export(self._data())
        except Exception:
            log.exception("cannot export the metrics")

    def _data(self) -> MetricsData:
        metrics = converted(self._collect(), self._since, time.time_ns())
        scope = ScopeMetrics(InstrumentationScope(otlp.NAME, __version__), metrics, "")
        return MetricsData([ResourceMetrics(otlp.resource(), [scope], "")])


def converted(families: Iterable[Family], since: int, now: int) -> list[Metric]:
    """Return Prometheus's metrics as OpenTelemetry's, under the same names but for `_total`.

    Args:
        families: Counters, gauges and histograms. Others are left out.
        since: When counting began, in nanoseconds since 1970.
        now: The present, likewise.

    Source: OpenTelemetry, Prometheus and OpenMetrics Compatibility.
    """
    found = []
    for family in families:
        data: Sum | Gauge | Histogram
        if family.type == "histogram":
            data = Histogram(_histograms(family.samples, since, now), CUMULATIVE)
        elif family.type in ("counter", "gauge"):
            points = [
                NumberDataPoint(sample.labels, since, now, sample.value)
                for sample in family.samples
            ]
            data = Sum(points, CUMULATIVE, True) if family.type == "counter" else Gauge(points)
        else:
            continue
        if data.data_points:
            found.append(Metric(family.name, family.documentation, "", data))
    return found


def _histograms(samples: list[Sample], since: int, now: int) -> list[HistogramDataPoint]:
    """Return a point for each set of labels, with counts that are not cumulative over buckets."""
    parts: dict[tuple[tuple[str, str], ...], dict[str, list[Sample]]] = {}
    for sample in samples:
        labels = tuple((key, value) for key, value in sample.labels.items() if key != "le")
        ending = sample.name.rpartition("_")[2]
        parts.setdefault(labels, {}).setdefault(ending, []).append(sample)
    points = []
    for labels, part in parts.items():
        buckets = part["bucket"]
        counts = [0, *(int(bucket.value) for bucket in buckets)]
        points.append(
            HistogramDataPoint(
                dict(labels),
                since,
                now,
                count=counts[-1],
                sum=part["sum"][0].value,
                bucket_counts=[after - before for before, after in pairwise(counts)],
                explicit_bounds=[float(bucket.labels["le"]) for bucket in buckets[:-1]],
                min=None,  # type: ignore[arg-type] # optional in OTLP
                max=None,  # type: ignore[arg-type]
                exemplars=[_exemplar(bucket) for bucket in buckets if bucket.exemplar],
            )
        )
    return points


def _exemplar(bucket: Sample) -> Exemplar:
    seen = bucket.exemplar
    assert seen
    trace, span = (int(seen.labels[name], 16) for name in ("trace_id", "span_id"))
    return Exemplar({}, seen.value, int(float(seen.timestamp or 0) * 1e9), span, trace)
