"""What exports the metrics of a process, now and then."""

from collections.abc import Callable, Iterable
from typing import Protocol

from prometheus_client.metrics_core import Metric

Collect = Callable[[], Iterable[Metric]]
"""Returns the metrics of this process."""


class Exporter(Protocol):
    """Exports metrics while a service runs."""

    async def follow(self, update: Callable[[], None]) -> None:
        """Export the metrics again and again, for ever.

        Args:
            update: Brings them up to date, on the event loop.
        """

    def close(self) -> None:
        """Export them for the last time."""
