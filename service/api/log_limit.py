"""Rate limit of log messages, so that a flood of refused requests does not fill the disk."""

import asyncio
import logging

MOST = 10
"""Messages in SECONDS."""
SECONDS = 1.0

log = logging.getLogger("service.requests")


class LogLimit:
    """Rate limit of the log messages of one kind of requests."""

    def __init__(self, kind: str) -> None:
        """Create a limit of MOST messages in SECONDS.

        Args:
            kind: What the requests are, as the log names them.
        """
        self._kind = kind
        self._count = 0

    def has_room(self) -> bool:
        """Return whether one more message may be logged; count it. Called on the event loop."""
        if not self._count:
            asyncio.get_running_loop().call_later(SECONDS, self._tell)
        self._count += 1
        return self._count <= MOST

    def _tell(self) -> None:
        """Log how many messages were left out, and begin again."""
        if self._count > MOST:
            log.warning("%d further %s in %g s", self._count - MOST, self._kind, SECONDS)
        self._count = 0
