"""Gauges: requests in flight, queues, versions of models, execution providers, memory."""

import os
import time
from collections import defaultdict
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge

from service import __version__
from service.inference.admission import Admission
from service.inference.registry import ModelRegistry
from service.jobs.tally import STATES, Tally
from service.telemetry.shared_files import PROC

Labels = tuple[str | int, ...]


class Gauges:
    """The gauges of one process, as of the last update()."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seen: defaultdict[Gauge, set[Labels]] = defaultdict(set)
        served = ("operation", "model")

        def gauge(
            name: str, text: str, labels: tuple[str, ...] = (), aggregate: str = "sum"
        ) -> Gauge:
            return Gauge(
                f"autoencoder_{name}",
                text,
                labels,
                registry=registry,
                multiprocess_mode=f"live{aggregate}",  # type: ignore[arg-type]
            )

        self._in_flight = gauge("in_flight_requests", "Requests admitted and not yet answered")
        self._in_flight_items = gauge("in_flight_items", "Images or codings in those requests")
        self._in_flight_bytes = gauge("in_flight_bytes", "Bytes of those requests' bodies, outputs")
        self._in_flight_pixels = gauge(
            "in_flight_pixels", "Pixels of photographs in those requests, not yet denoised"
        )
        self._queue = gauge("queue_requests", "Requests that wait for a session", served)
        self._queue_age = gauge("queue_age_seconds", "Wait of the oldest of them", served, "max")
        self._batch_age = gauge(
            "batch_age_seconds", "How long the running batch has run", served, "max"
        )
        self._ready = gauge(
            "model_ready",
            "1 if the version serves requests, 0 if it failed, is unloaded or is gone",
            ("model", "version"),
            "min",
        )
        self._fault = gauge(
            "model_load_failed",
            "1 if the present content of the version's folder does not load",
            ("model", "version"),
            "max",
        )
        self._provider = gauge(
            "execution_provider_info", "The execution provider in use", ("provider",), "max"
        )
        # Workers that share jobs each know of all.
        self._jobs = gauge("jobs", "Jobs that are kept, by state", ("state",), "max")
        self._jobs_bytes = gauge("jobs_bytes", "Bytes of their bodies and responses", (), "max")
        self._jobs_age = gauge(
            "jobs_queue_age_seconds", "Time since the oldest job that waits was created", (), "max"
        )
        self._keys = gauge(
            "api_keys_stale", "1 if the file of API keys cannot be read again", (), "max"
        )
        self._memory = gauge("resident_memory_bytes", "Memory of the process, or of all workers")
        started = gauge(
            "start_time_seconds", "When the process, or its youngest worker, started", (), "max"
        )
        started.set(time.time())
        gauge("build_info", "1 for the version of the service", ("version",), "max").labels(
            __version__
        ).set(1)

    def update(
        self, models: ModelRegistry, admission: Admission, tally: Tally, *, has_stale_keys: bool
    ) -> None:
        """Set every gauge to its present value."""
        self._keys.set(has_stale_keys)
        self._set(self._jobs, {(state,): tally.states.get(state, 0) for state in STATES})
        self._jobs_bytes.set(tally.bytes)
        self._jobs_age.set(max(0.0, time.time() - (tally.oldest or time.time())))
        self._in_flight.set(admission.requests)
        self._in_flight_items.set(admission.items)
        self._in_flight_bytes.set(admission.bytes)
        self._in_flight_pixels.set(admission.turns.pixels)
        now = time.perf_counter()
        waiting: defaultdict[Labels, list[float]] = defaultdict(list)
        busy: defaultdict[Labels, float] = defaultdict(float)
        for model in models:
            for operation, batcher in model.batchers.items():
                waiting[operation, model.name] += batcher.waiting()
                busy[operation, model.name] = max(busy[operation, model.name], batcher.busy_for())
        self._set(self._batch_age, busy)
        self._set(self._queue, {served: len(since) for served, since in waiting.items()})
        self._set(
            self._queue_age,
            {served: now - min(since, default=now) for served, since in waiting.items()},
        )
        self._set(self._provider, {(model.provider,): 1 for model in models})
        self._set(self._ready, {key: each.state == "ready" for key, each in models.known.items()})
        self._set(self._fault, {key: bool(each.fault) for key, each in models.known.items()})
        if (statm := PROC / "self" / "statm").exists():
            pages = int(statm.read_text().split()[1])
            self._memory.set(pages * os.sysconf("SC_PAGE_SIZE"))

    def _set(self, gauge: Gauge, values: Mapping[Labels, float]) -> None:
        """Set a gauge by its labels; labels that have gone are 0, as none can be removed."""
        seen = self._seen[gauge]
        seen.update(values)
        for labels in seen:
            gauge.labels(*labels).set(values.get(labels, 0))
