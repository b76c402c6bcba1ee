"""The metrics of /metrics through Ray, whose agents have those of every replica of their node."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from service.telemetry.exporter import Collect

if TYPE_CHECKING:
    from ray.serve.metrics import Gauge

SECONDS = 5.0
"""Time between two exports: Ray's agents ask each process every ten seconds."""

log = logging.getLogger(__name__)


class RayMetrics:
    """Hands the samples of a replica's metrics to Ray, each as a gauge of its name.

    Ray adds the labels deployment and replica, and the prefix `ray_`. Counters and the buckets of
    histograms are gauges by type alone: rate() and histogram_quantile() take them as they are.
    """

    def __init__(self, collect: Collect) -> None:
        """Create an exporter.

        Args:
            collect: Returns the metrics of this process.
        """
        self._collect = collect
        self._gauges: dict[str, Gauge] = {}

    async def follow(self, update: Callable[[], None]) -> None:
        """Export the metrics every so many seconds, for ever.

        Args:
            update: Brings them up to date, on the event loop.
        """
        while True:
            await asyncio.sleep(SECONDS)
            try:
                update()
                await asyncio.to_thread(self._export)
            except Exception:
                log.exception("cannot export the metrics")

    def close(self) -> None:
        """Do nothing: Ray forgets the metrics of a process that has ended."""

    def _export(self) -> None:
        from ray.serve.metrics import Gauge

        for family in self._collect():
            for sample in family.samples:
                gauge = self._gauges.get(sample.name)
                if gauge is None:
                    gauge = Gauge(sample.name, family.documentation, tuple(sample.labels) or None)
                    self._gauges[sample.name] = gauge
                gauge.set(sample.value, dict(sample.labels))
