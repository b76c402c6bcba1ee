"""Metrics for Prometheus: what was asked, how it went, how long each stage took, what waits now."""

import functools
import os
import time
from collections import Counter as Counts
from collections import defaultdict
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
from prometheus_client.multiprocess import MultiProcessCollector

from service.inference.admission import Admission
from service.inference.batcher import Batch
from service.inference.store import Store
from service.telemetry.tally import Tally

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder where several workers add their figures up."""
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
ITEMS = tuple(1 << power for power in range(11))
PROC = Path("/proc")
"""Where Linux describes processes; other systems have no such folder."""

Labels = tuple[str | int, ...]


class Metrics:
    """The figures of one process; those of all workers together where they share a folder.

    Requests and batches are tallied as they come; look() adds them up.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answered: Counts[tuple[str, str, int]] = Counts()
        self._tallies: list[Tally] = []
        self._seen: defaultdict[Gauge, set[Labels]] = defaultdict(set)
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
        self._ready = gauge(
            "model_ready",
            "1 where the version answers requests, 0 where it failed, is unloaded or has gone",
            ("model", "version"),
            "min",
        )
        self._fault = gauge(
            "model_load_failed",
            "1 where what the folder of the version holds now could not be loaded",
            ("model", "version"),
            "max",
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

    def look(self, store: Store, admission: Admission) -> None:
        """Read off what stands now, and add up what was counted since the last look."""
        self._add_up()
        self._in_flight.set(admission.requests)
        self._in_flight_items.set(admission.items)
        self._in_flight_bytes.set(admission.bytes)
        now = time.perf_counter()
        waiting: defaultdict[Labels, list[float]] = defaultdict(list)
        for model in store:
            for operation, batcher in model.batchers.items():
                waiting[operation, model.name] += batcher.waiting()
        self._set(self._queue, {served: len(since) for served, since in waiting.items()})
        self._set(
            self._queue_age,
            {served: now - min(since, default=now) for served, since in waiting.items()},
        )
        self._set(self._provider, {(model.provider,): 1 for model in store})
        self._set(self._ready, {key: each.state == "ready" for key, each in store.known.items()})
        self._set(self._fault, {key: bool(each.fault) for key, each in store.known.items()})
        if (statm := PROC / "self" / "statm").exists():
            pages = int(statm.read_text().split()[1])
            self._memory.set(pages * os.sysconf("SC_PAGE_SIZE"))

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

    def _set(self, gauge: Gauge, values: Mapping[Labels, float]) -> None:
        """Set a gauge by its labels; those that are no more become 0, as none can be removed."""
        seen = self._seen[gauge]
        seen.update(values)
        for labels in seen:
            gauge.labels(*labels).set(values.get(labels, 0))

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
