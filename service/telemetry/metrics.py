"""Metrics for Prometheus: what was asked, how it went, how long each stage took."""

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
from service.inference.registry import Store
from service.telemetry.gauges import PROC, Gauges
from service.telemetry.histogram import Tally

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder where several workers add their figures up."""
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
ITEMS = tuple(1 << power for power in range(11))


class Metrics:
    """The figures of one process; those of all workers together where they share a folder.

    Requests and batches are tallied as they come; look() adds them up.
    """

    def __init__(self) -> None:
        # They are as many lines again, and several workers have none of them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._answered: Counts[tuple[str, str, int]] = Counts()
        self._tallies: list[Tally] = []
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
            "request_seconds", "From the request's head to its answer", served, SECONDS
        )
        self._stage_seconds = histogram(
            "stage_seconds",
            "Stages of successful requests: parse, queue, inference, write",
            (*served, "stage"),
            SECONDS,
        )
        self._pixels = counter(
            "pixels", "Pixels of photographs that ran, those that tiles share each time", served
        )
        self._batch_items = histogram(
            "batch_items", "Images, codings or tiles that ran at once", served, ITEMS
        )
        self._batch_requests = histogram(
            "batch_requests", "Requests, or tiles of photographs, that ran at once", served, ITEMS
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
        """Count a request, with the seconds that it and each of its stages took."""
        self._answered[operation, model, status] += 1
        whole, each = self._request_tallies(operation, model)
        whole.observe(seconds)
        for stage, took in stages.items():
            each[stage].observe(took)

    def ran(self, model: str, operation: str, batch: Batch) -> None:
        """Count a batch."""
        items, requests = self._batch_tallies(operation, model)
        items.observe(batch.items)
        requests.observe(batch.requests)
        if batch.pixels:  # which take so long that a counter's lock is nothing
            self._pixels.labels(operation, model).inc(batch.pixels)

    def look(self, store: Store, admission: Admission) -> None:
        """Read off what stands now, and add up what was counted since the last look."""
        self._add_up()
        self._gauges.look(store, admission)

    def text(self) -> bytes:
        """Return everything in Prometheus's text format, added up over workers that share."""
        shared = os.environ.get(SHARED)
        if shared is None:
            return generate_latest(self._registry)
        for path in Path(shared).glob("gauge_live*_*.db"):
            worker = path.stem.rpartition("_")[2]
            if PROC.exists() and not (PROC / worker).exists():
                path.unlink(missing_ok=True)  # one that crashed has nothing in flight
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _add_up(self) -> None:
        for (operation, model, status), count in self._answered.items():
            self._requests.labels(operation, model, status).inc(count)
            if status == 429:
                self._rejected.inc(count)
        self._answered.clear()
        for tally in self._tallies:
            tally.flush()

    @functools.cache  # noqa: B019 - there is one of these in a process, and few models
    def _request_tallies(self, operation: str, model: str) -> tuple[Tally, dict[str, Tally]]:
        stages = {
            stage: self._tally(self._stage_seconds, operation, model, stage)
            for stage in ("parse", "queue", "inference", "write")
        }
        return self._tally(self._request_seconds, operation, model), stages

    @functools.cache  # noqa: B019
    def _batch_tallies(self, operation: str, model: str) -> tuple[Tally, Tally]:
        return (
            self._tally(self._batch_items, operation, model),
            self._tally(self._batch_requests, operation, model),
        )

    def _tally(self, histogram: Histogram, *labels: str) -> Tally:
        self._tallies.append(Tally(histogram.labels(*labels)))
        return self._tallies[-1]
