"""Which replicas answer: /metrics identifies each by the time at which its process started."""

import contextlib
import threading
import time
from collections.abc import Iterator

import httpx
from prometheus_client.parser import text_string_to_metric_families

STARTED = "autoencoder_start_time_seconds"
PERIOD = 0.1
"""Seconds between two looks, by connections of their own, which HAProxy gives to any replica."""


class Answering:
    """The replicas that have answered so far.

    Attributes:
        first: The time.monotonic() at which each answered for the first time, by its start.
        last: The same of the last time.
    """

    def __init__(self) -> None:
        self.first: dict[float, float] = {}
        self.last: dict[float, float] = {}

    def since(self, moment: float) -> list[float]:
        """Return the seconds after a moment at which further replicas answered first, in order."""
        return sorted(each - moment for each in self.first.values() if each > moment)


@contextlib.contextmanager
def watched(url: str) -> Iterator[Answering]:
    """Ask a service which of its replicas answers, again and again until the end of the block."""
    seen, over = Answering(), threading.Event()

    def look() -> None:
        while not over.wait(PERIOD):
            with contextlib.suppress(httpx.HTTPError):
                response = httpx.get(f"{url}/metrics", timeout=10, trust_env=False)
                if response.status_code == httpx.codes.OK:
                    start = _start(response.text)
                    seen.last[start] = time.monotonic()
                    seen.first.setdefault(start, seen.last[start])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _start(text: str) -> float:
    lines = [each for each in text.splitlines(keepends=True) if STARTED in each]
    (family,) = text_string_to_metric_families("".join(lines))
    return family.samples[0].value
