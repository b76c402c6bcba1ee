"""Prometheus metrics: requests by status, latency by stage, batches, queue, models, memory."""

import os
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from service.errors import Overloaded, ServiceError
from service.inference.admission import Admission
from service.inference.batcher import Batch
from service.inference.registry import ModelRegistry
from service.jobs.tally import Tally
from service.telemetry.gauges import Gauges
from service.telemetry.histogram import UNTRACED, Trace, observe, show
from service.telemetry.shared_files import forget_gauges, locked, reserve

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder in which workers share their metrics."""
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
STAGES = ("parse", "queue", "inference", "write")
ITEMS = tuple(1 << power for power in range(11))
BUFFERED = 256
"""Requests, or batches, that are counted at once, unless a scrape comes first."""


class Metrics:
    """The metrics of one process, or of all workers if they share a folder.

    Requests and batches are buffered, and counted many at a time: one by one, prometheus_client
    takes 7 us for the histograms of a request, a twentieth of a small one's latency.

    Attributes:
        tally: Returns how many jobs there are: none, unless it is replaced.
        has_stale_keys: Returns whether the file of API keys cannot be read again.
    """

    def __init__(self) -> None:
        """Begin to count. Raises StartupError where the folder has no room."""
        # `_created` series double the output, and workers that share a folder have none.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self.tally: Callable[[], Tally] = Tally
        self.has_stale_keys: Callable[[], bool] = bool
        self._answered: list[tuple[str, str, int, float, Mapping[str, float]]] = []
        self._failed: Counts[tuple[str, str]] = Counts()
        self._traced: list[tuple[str, str, float, Trace]] = []
        self._keyed: Counts[tuple[str, str, int]] = Counts()
        self._over_quota: Counts[tuple[str, str]] = Counts()
        self._uncounted = 0
        self._ran: list[tuple[str, str, Batch]] = []
        served = ("operation", "model")
        if SHARED in os.environ:
            reserve(Path(os.environ[SHARED]))

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
        self._errors = counter(
            "errors", "Errors answered, by the code of the problem", ("operation", "code")
        )
        self._key_requests = counter(
            "key_requests",
            "Requests answered, by the name of their API key and HTTP status",
            ("key", "operation", "status"),
        )
        self._rejected = counter("rejected", "Requests refused because the queue was full")
        self._quota_refused = counter(
            "quota_refused", "Requests and photographs refused by a quota", ("policy", "key")
        )
        self._quota_errors = counter(
            "quota_store_errors", "Failures of what stores quotas, which then go on without it"
        )
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
        code: str = "",
        trace: Trace = UNTRACED,
        key: str = "",
    ) -> None:
        """Count a request.

        Args:
            operation: The operation.
            model: The model's name, "" if it is not known.
            status: The HTTP status.
            seconds: The latency.
            stages: The seconds of each stage.
            code: The code of the error that was answered, "" without.
            trace: The ids of its trace.
            key: The name of its API key, "" without.
        """
        self._answered.append((operation, model, status, seconds, stages))
        if code:
            self._failed[operation, code] += 1
        if trace:
            self._traced.append((operation, model, seconds, trace))
        if key:
            self._keyed[key, operation, status] += 1
        if len(self._answered) >= BUFFERED:
            self._flush()

    def quota_refused(self, policy: str, key: str) -> None:
        """Count a request, or a photograph, that a quota refuses.

        Args:
            policy: The quota.
            key: The name of the API key, "" for callers without.
        """
        self._over_quota[policy, key] += 1

    def quota_store_failed(self) -> None:
        """Count a failure of what stores quotas."""
        self._uncounted += 1

    def ran(self, model: str, operation: str, batch: Batch) -> None:
        """Count a batch."""
        self._ran.append((operation, model, batch))
        if len(self._ran) >= BUFFERED:
            self._flush()

    def update(self, models: ModelRegistry, admission: Admission) -> None:
        """Count what is buffered and set the gauges, before a scrape."""
        self._flush()
        stale = self.has_stale_keys()
        self._gauges.update(models, admission, self.tally(), has_stale_keys=stale)

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of this process as they are, not of other workers."""
        return self._registry.collect()

    def text(self, encode: Callable[[CollectorRegistry], bytes] = generate_latest) -> bytes:
        """Return all metrics, aggregated over the workers.

        Args:
            encode: Writes them, by default in Prometheus's text format.
        """
        if SHARED not in os.environ:
            return encode(self._registry)
        folder = Path(os.environ[SHARED])
        forget_gauges(folder)
        registry = CollectorRegistry()
        with locked(folder):
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return encode(registry)

    def _flush(self) -> None:
        answered, self._answered = self._answered, []
        ran, self._ran = self._ran, []
        values: defaultdict[tuple[Histogram, tuple[str, ...]], list[float]] = defaultdict(list)
        for operation, model, _, seconds, stages in answered:
            values[self._request_seconds, (operation, model)].append(seconds)
            for stage, duration in stages.items():
                values[self._stage_seconds, (operation, model, stage)].append(duration)
        for operation, model, batch in ran:
            values[self._batch_items, (operation, model)].append(batch.items)
            values[self._batch_requests, (operation, model)].append(batch.requests)
            if batch.pixels:
                self._pixels.labels(operation, model).inc(batch.pixels)
        for (histogram, labels), observed in values.items():
            observe(histogram.labels(*labels), observed)
        for (operation, model, status), count in Counts(each[:3] for each in answered).items():
            self._requests.labels(operation, model, status).inc(count)
            for stage in STAGES:  # which are 0 until a request succeeds
                self._stage_seconds.labels(operation, model, stage)
            # 0 until there is one: Prometheus sees no increase where a series begins.
            self._errors.labels(operation, ServiceError.code)
        failed, self._failed = self._failed, Counts()
        for (operation, code), count in failed.items():
            self._errors.labels(operation, code).inc(count)
            if code == Overloaded.code:  # not for a quota: more instances would not help
                self._rejected.inc(count)
        traced, self._traced = self._traced, []
        for operation, model, seconds, trace in traced:
            show(self._request_seconds.labels(operation, model), seconds, trace)
        over_quota, self._over_quota = self._over_quota, Counts()
        for (policy, key), count in over_quota.items():
            self._quota_refused.labels(policy, key).inc(count)
        self._quota_errors.inc(self._uncounted)
        self._uncounted = 0
        keyed, self._keyed = self._keyed, Counts()
        for (key, operation, status), count in keyed.items():
            self._key_requests.labels(key, operation, status).inc(count)
