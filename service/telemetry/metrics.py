"""Prometheus metrics: requests by status, latency by stage, batches, queue, models, memory."""

import functools
import os
from collections import Counter as Counts
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from service.inference.admission import Admission
from service.inference.batcher import Batch
from service.inference.registry import ModelRegistry
from service.telemetry.gauges import PROC, Gauges
from service.telemetry.histogram import BufferedHistogram as Buffered

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder in which workers share their metrics."""
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
ITEMS = tuple(1 << power for power in range(11))


class Metrics:
    """The metrics of one process, or of all workers if they share a folder.

    Requests and batches are counted in buffers, which update() flushes.
    """

    def __init__(self) -> None:
        # `_created` series double the output, and workers that share a folder have none.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._answered: Counts[tuple[str, str, int]] = Counts()
        self._histograms: list[Buffered] = []
        served = ("operation", "model")

        def counter(name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
            return Counter(f"autoencoder_{name}", text, labels, registry=self._registry)

        def histogram(
            name: str, text: str, labels: tuple[str, ...], buckets: tuple[float, ...]
        ) -> Histogram:
            return Histogram(
                f"autoencoder_{name}", text, labels, buckets=buckets, registry=self._registry
            )

        self._requests = counter(
            "requests", "Requests answered, by HTTP status", (*served, "status")
        )
        self._rejected = counter("rejected", "Requests refused because the queue was full")
        self._request_seconds = histogram(
            "request_seconds",
            "Latency, from the request's head to the end of its response",
            served,
            SECONDS,
        )
        self._stage_seconds = histogram(
            "stage_seconds",
            "Stages of successful requests: parse, queue, inference, write",
            (*served, "stage"),
            SECONDS,
        )
        self._pixels = counter(
            "pixels", "Pixels of tiles that ran, overlaps counted each time", served
        )
        self._batch_items = histogram(
            "batch_items", "Images, codings or tiles in a batch", served, ITEMS
        )
        self._batch_requests = histogram(
            "batch_requests", "Requests, or tiles of photographs, in a batch", served, ITEMS
        )
        self._gauges = Gauges(self._registry)
        if SHARED not in os.environ:
            ProcessCollector(registry=self._registry)

    def answered(
        self,
        operation: str,
        model: str,
        status: int,
        seconds: float,
        stages: Mapping[str, float],
    ) -> None:
        """Count a request.

        Args:
            operation: The operation.
            model: The model's name, "" if it is not known.
            status: The HTTP status.
            seconds: The latency.
            stages: The seconds of each stage.
        """
        self._answered[operation, model, status] += 1
        latency, by_stage = self._of_requests(operation, model)
        latency.observe(seconds)
        for stage, duration in stages.items():
            by_stage[stage].observe(duration)

    def ran(self, model: str, operation: str, batch: Batch) -> None:
        """Count a batch."""
        items, requests = self._of_batches(operation, model)
        items.observe(batch.items)
        requests.observe(batch.requests)
        if batch.pixels:  # it took so long that a counter's lock does not matter
            self._pixels.labels(operation, model).inc(batch.pixels)

    def update(self, models: ModelRegistry, admission: Admission) -> None:
        """Flush the buffers and set the gauges, before a scrape."""
        self._flush()
        self._gauges.update(models, admission)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format, aggregated over the workers."""
        shared = os.environ.get(SHARED)
        if shared is None:
            return generate_latest(self._registry)
        for path in Path(shared).glob("gauge_live*_*.db"):
            worker = path.stem.rpartition("_")[2]
            if PROC.exists() and not (PROC / worker).exists():
                path.unlink(missing_ok=True)  # a worker that crashed has nothing in flight
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _flush(self) -> None:
        for (operation, model, status), count in self._answered.items():
            self._requests.labels(operation, model, status).inc(count)
            if status == 429:
                self._rejected.inc(count)
        self._answered.clear()
        for histogram in self._histograms:
            histogram.flush()

    @functools.cache  # noqa: B019 - there is one of these in a process, and few models
    def _of_requests(self, operation: str, model: str) -> tuple[Buffered, dict[str, Buffered]]:
        stages = {
            stage: self._buffered(self._stage_seconds, operation, model, stage)
            for stage in ("parse", "queue", "inference", "write")
        }
        return self._buffered(self._request_seconds, operation, model), stages

    @functools.cache  # noqa: B019
    def _of_batches(self, operation: str, model: str) -> tuple[Buffered, Buffered]:
        return (
            self._buffered(self._batch_items, operation, model),
            self._buffered(self._batch_requests, operation, model),
        )

    def _buffered(self, histogram: Histogram, *labels: str) -> Buffered:
        self._histograms.append(Buffered(histogram.labels(*labels)))
        return self._histograms[-1]
