"""A gate before a store: it lets so many objects be written, and holds the others back."""

import asyncio
import contextlib
import math
from collections.abc import Iterator, Mapping

from benchmarks.ray.tap import tapped
from benchmarks.seaweed import BUCKET


class WriteGate:
    """Lets all objects be written while it is open, as it is at first."""

    def __init__(self) -> None:
        self._beginning = ""
        self._left = math.inf
        self._dropped = 0
        self.waiting = 0
        """Writes that wait now."""

    def limit(self, prefix: str, count: int) -> None:
        """Let so many more objects of a prefix be written."""
        self._beginning, self._left = f"/{BUCKET}/{prefix}", count

    def open(self) -> None:
        self._left = math.inf

    def drop(self) -> None:
        """Break off the writes that wait."""
        self._dropped += 1

    async def admit(self, method: str, path: str) -> None:
        if method != "PUT" or not path.startswith(self._beginning):
            return
        dropped = self._dropped
        while self._left < 1:
            self.waiting += 1
            await asyncio.sleep(0.02)
            self.waiting -= 1
            if dropped != self._dropped:
                raise ConnectionResetError
        self._left -= 1


@contextlib.contextmanager
def gated(environment: Mapping[str, str]) -> Iterator[tuple[dict[str, str], WriteGate]]:
    """Put a gate before a store; yield the variables by which it is found behind it."""
    gate = WriteGate()
    with tapped(environment["AWS_ENDPOINT_URL"], gate.admit) as (url, _):
        yield dict(environment) | {"AWS_ENDPOINT_URL": url}, gate
