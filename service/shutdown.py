"""The end of a service: told by a signal, first seen as not ready, then come to."""

import asyncio
import logging
import signal
import threading
from types import FrameType

log = logging.getLogger("service")


class Drain:
    """Whether the service was told to stop.

    Between SIGTERM and the end of listening, readiness fails while requests are still answered, so
    that whoever sends them learns of it before a connection is refused.
    """

    def __init__(self, seconds: float) -> None:
        """seconds: how long to go on listening."""
        self.draining = False
        self._seconds = seconds

    def listen(self) -> None:
        """Handle SIGTERM from now on, before the handler that is there, which is called after."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        stop = signal.getsignal(signal.SIGTERM)
        if not callable(stop):
            return

        def handle(number: int, frame: FrameType | None) -> None:
            if self.draining or not self._seconds:
                self.draining = True
                stop(number, frame)
                return
            self.draining = True
            log.info("told to stop: not ready from now on, listening for %g s", self._seconds)
            loop.call_soon_threadsafe(loop.call_later, self._seconds, stop, number, None)

        signal.signal(signal.SIGTERM, handle)
