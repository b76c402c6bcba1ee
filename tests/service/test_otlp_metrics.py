"""Metrics by OTLP are those of /metrics; lines of what exports are not exported."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from prometheus_client.metrics_core import Metric

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra [otel]")

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import export

from service.telemetry import otlp_metrics
from service.telemetry.histogram import observe, show
from service.telemetry.otlp_logs import ExportedLogs
from tests.service.otlp_receiver import Receiver, receiving

TRACE = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}


@pytest.fixture(autouse=True, scope="module")
def _no_times_of_creation() -> None:
    """Leave out what Metrics leaves out of its process, whichever test is the first."""
    disable_created_metrics()  # type: ignore[no-untyped-call]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        yield running


def converted(registry: CollectorRegistry) -> dict[str, export.Metric]:
    return {each.name: each for each in otlp_metrics.converted(registry.collect(), 1, 2)}


def test_a_histogram_has_the_counts_of_each_bucket_and_an_exemplar_with_its_trace() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("seconds", "x", ("a",), buckets=(1, 2, 4), registry=registry)
    observe(histogram.labels("b"), (0.5, 1.5, 1.75, 9.0))
    show(histogram.labels("b"), 1.75, TRACE)
    observe(histogram.labels("c"), (3.0,))
    found = converted(registry)["seconds"].data
    assert isinstance(found, export.Histogram)
    first, second = found.data_points
    assert (first.attributes, second.attributes) == ({"a": "b"}, {"a": "c"})
    assert list(first.explicit_bounds) == [1, 2, 4]
    assert list(first.bucket_counts) == [1, 2, 0, 1]
    assert list(second.bucket_counts) == [0, 0, 1, 0]
    assert (first.count, first.sum) == (4, 12.75)
    (exemplar,) = first.exemplars
    assert exemplar.value == 1.75
    assert exemplar.trace_id == int(TRACE["trace_id"], 16)
    assert exemplar.span_id == int(TRACE["span_id"], 16)


def test_counters_are_sums_gauges_gauges_and_what_is_neither_is_left_out() -> None:
    registry = CollectorRegistry()
    Counter("requests", "Requests", ("a",), registry=registry).labels("b").inc(3)
    Gauge("bytes", "Bytes", registry=registry).set(1.5)
    Info("other", "x", registry=registry).info({"a": "b"})
    Counter("none", "x", ("a",), registry=registry)
    found = converted(registry)
    assert set(found) == {"requests", "bytes"}
    requests, size = found["requests"].data, found["bytes"].data
    assert isinstance(requests, export.Sum)
    assert isinstance(size, export.Gauge)
    assert requests.is_monotonic
    assert [(each.attributes, each.value) for each in requests.data_points] == [({"a": "b"}, 3)]
    assert [each.value for each in size.data_points] == [1.5]


async def test_metrics_are_sent_at_every_interval_also_after_a_fault(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(otlp_metrics.INTERVAL, "1")
    registry = CollectorRegistry()
    counter = Counter("updates", "x", registry=registry)
    faults = [RuntimeError("a fault of the update"), RuntimeError("a fault")]

    def update() -> None:
        counter.inc()
        if len(faults) == 2:
            raise faults.pop(0)

    def collect() -> list[Metric]:
        if faults:
            raise faults.pop()
        return list(registry.collect())

    following = asyncio.create_task(otlp_metrics.ExportedMetrics(collect).follow(update))
    async with asyncio.timeout(30):
        while len(receiver.metrics) < 2:  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(0.01)
    following.cancel()
    assert "cannot bring the metrics up to date" in caplog.text
    assert "cannot export the metrics" in caplog.text
    (point,) = receiver.last_metrics()["updates"].sum.data_points
    assert point.as_double >= 3


def test_a_receiver_of_metrics_that_hangs_holds_the_end_up_for_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached, over = threading.Event(), threading.Event()

    def hang(*_: object) -> export.MetricExportResult:
        reached.set()
        over.wait(60)
        return export.MetricExportResult.FAILURE

    monkeypatch.setattr(OTLPMetricExporter, "export", hang)
    otlp_metrics.ExportedMetrics(CollectorRegistry().collect).close(0.1)
    assert reached.is_set()
    over.set()


def test_lines_are_exported_but_for_those_of_what_exports(receiver: Receiver) -> None:
    logs = ExportedLogs()
    logging.getLogger("urllib3.connectionpool").error("unheard")
    logging.getLogger("opentelemetry.exporter").error("unheard")
    try:
        raise OSError("the disk")
    except OSError:
        logging.getLogger("service").exception("heard", extra={"request_id": "abc"})
    logs.close()
    logging.getLogger("service").error("too late")
    (record,) = receiver.records()
    told = {each.key: each.value.string_value for each in record.attributes}
    assert record.body.string_value == "heard"
    assert told["request_id"] == "abc"
    assert "the disk" in told["exception.stacktrace"]
