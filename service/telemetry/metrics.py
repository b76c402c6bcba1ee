"""Metrics for Prometheus: what was asked, how it went, how long each stage took, what waits now."""

import functools
import os
import time
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from service.inference.admission import Admission
from service.inference.batcher import Batch
from service.inference.store import Store

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder where several workers add their figures up."""
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
ITEMS = tuple(1 << power for power in range(11))
STATM = Path("/proc/self/statm")


class Metrics:
    """The figures of one process; those of all workers together where they share a folder."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        served = ("operation", "model")

        def counter(name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
            return Counter(f"autoencoder_{name}", text, labels, registry=self._registry)

        def histogram(
            name: str, text: str, labels: tuple[str, ...], buckets: tuple[float, ...]
        ) -> Histogram:
            return Histogram(
                f"autoencoder_{name}", text, labels, buckets=buckets, registry=self._registry
            )

        def gauge(name: str, text: str, labels: tuple[str, ...] = (), how: str = "sum") -> Gauge:
            return Gauge(
                f"autoencoder_{name}",
                text,
                labels,
                registry=self._registry,
                multiprocess_mode=f"live{how}",  # type: ignore[arg-type]
            )

        self._requests = counter(
            "requests", "Requests answered, by HTTP status", (*served, "status")
        )
        self._rejected = counter("rejected", "Requests refused because the queue was full")
        self._items = counter("items", "Images or codings that ran", served)
        self._request_seconds = histogram(
            "request_seconds", "From the request's head to its answer", served, SECONDS
        )
        self._stage_seconds = histogram(
            "stage_seconds",
            "Stages of successful requests: parse, queue, inference, write",
            (*served, "stage"),
            SECONDS,
        )
        self._batch_items = histogram(
            "batch_items", "Images or codings that ran at once", served, ITEMS
        )
        self._batch_requests = histogram(
            "batch_requests", "Requests that ran at once", served, ITEMS
        )
        self._in_flight = gauge("in_flight_requests", "Requests admitted and not yet answered")
        self._in_flight_items = gauge("in_flight_items", "Images or codings in those requests")
        self._in_flight_bytes = gauge("in_flight_bytes", "Bytes of those requests' bodies, outputs")
        self._queue = gauge("queue_requests", "Requests that wait for a session", served)
        self._queue_age = gauge("queue_age_seconds", "How long the oldest waits", served, "max")
        self._model = gauge(
            "model_ready",
            "1 where the version answers requests, 0 where it failed or is unloaded",
            ("model", "version"),
            "min",
        )
        self._provider = gauge(
            "execution_provider_info", "The execution provider in use", ("provider",), "max"
        )
        self._memory = gauge("resident_memory_bytes", "Memory of the process, or of all workers")
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
        # The children are looked up here: labels() would take longer than the counting.
        whole, each = self._children(operation, model)
        self._status(operation, model, status).inc()
        whole.observe(seconds)
        for stage, took in stages.items():
            each[stage].observe(took)
        if status == 429:
            self._rejected.inc()

    def ran(self, model: str, operation: str, batch: Batch) -> None:
        """Count a batch."""
        items, batch_items, batch_requests = self._batch_children(operation, model)
        items.inc(batch.items)
        batch_items.observe(batch.items)
        batch_requests.observe(batch.requests)

    def look(self, store: Store, admission: Admission) -> None:
        """Read off what stands now."""
        self._in_flight.set(admission.requests)
        self._in_flight_items.set(admission.items)
        self._in_flight_bytes.set(admission.bytes)
        now = time.perf_counter()
        for model in store:
            self._provider.labels(model.provider).set(1)
            for operation, batcher in model.batchers.items():
                waiting = batcher.waiting()
                self._queue.labels(operation, model.name).set(len(waiting))
                self._queue_age.labels(operation, model.name).set(now - min(waiting, default=now))
        for version in store.known.values():
            self._model.labels(version.name, version.number).set(version.state == "ready")
        if STATM.exists():
            pages = int(STATM.read_text().split()[1])
            self._memory.set(pages * os.sysconf("SC_PAGE_SIZE"))

    def text(self) -> bytes:
        """Return everything in Prometheus's text format, added up over workers that share."""
        shared = os.environ.get(SHARED)
        if shared is None:
            return generate_latest(self._registry)
        for path in Path(shared).glob("gauge_live*_*.db"):
            worker = int(path.stem.rpartition("_")[2])
            if not Path(f"/proc/{worker}").exists():  # one that crashed has nothing in flight
                mark_process_dead(worker)  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    @functools.cache  # noqa: B019 - there is one of these in a process, and few models
    def _status(self, operation: str, model: str, status: int) -> Counter:
        return self._requests.labels(operation, model, status)

    @functools.cache  # noqa: B019
    def _children(self, operation: str, model: str) -> tuple[Histogram, dict[str, Histogram]]:
        stages = {
            stage: self._stage_seconds.labels(operation, model, stage)
            for stage in ("parse", "queue", "inference", "write")
        }
        return self._request_seconds.labels(operation, model), stages

    @functools.cache  # noqa: B019
    def _batch_children(self, operation: str, model: str) -> tuple[Counter, Histogram, Histogram]:
        return (
            self._items.labels(operation, model),
            self._batch_items.labels(operation, model),
            self._batch_requests.labels(operation, model),
        )
