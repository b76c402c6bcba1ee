"""Bounds the lines in the log of requests that anybody can send: a flood of them fills no disk."""

import asyncio
import logging

MOST = 10
"""Lines in SECONDS."""
SECONDS = 1.0

log = logging.getLogger("service.requests")


class Lines:
    """The lines of one kind of requests: the first of a second, and how many more there were."""

    def __init__(self, kind: str) -> None:
        """Bound the lines of requests.

        Args:
            kind: What the requests are, as the log names them.
        """
        self._kind = kind
        self._count = 0

    def has_room(self) -> bool:
        """Return whether one more line may be logged; count it. Called on the event loop."""
        if not self._count:
            asyncio.get_running_loop().call_later(SECONDS, self._tell)
        self._count += 1
        return self._count <= MOST

    def _tell(self) -> None:
        """Log how many lines were left out, and begin again."""
        if self._count > MOST:
            log.warning("%d further %s in %g s", self._count - MOST, self._kind, SECONDS)
        self._count = 0
