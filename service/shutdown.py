"""Graceful shutdown: fail readiness on SIGTERM, keep serving for `drain_seconds`, then stop."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

log = logging.getLogger("service")


class GracefulShutdown:
    """Delays SIGTERM's handler, so that a load balancer sees readiness fail before the port closes.

    Attributes:
        draining: Whether SIGTERM or SIGINT has come.
        began: Called on the event loop once it has.
    """

    def __init__(self, drain_seconds: float) -> None:
        """Prepare the shutdown; nothing is handled before install().

        Args:
            drain_seconds: How long to go on serving after SIGTERM; 0 stops at once.
        """
        self.draining = False
        self.began: Callable[[], None] = lambda: None
        self._drain_seconds = drain_seconds

    def install(self) -> None:
        """Handle SIGTERM from now on; the present handler, uvicorn's, is called after the delay.

        A second SIGTERM calls it at once, and so does SIGINT, which a person sends. Outside the
        main thread, which alone may handle signals, nothing is installed.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        stop = signal.getsignal(signal.SIGTERM)
        if not callable(stop):
            return

        def begin() -> None:
            self.draining = True
            loop.call_soon_threadsafe(self.began)

        def handle(number: int, frame: FrameType | None) -> None:
            if self.draining or not self._drain_seconds:
                begin()
                stop(number, frame)
                return
            begin()
            log.info("shutting down: not ready, serving for %g s more", self._drain_seconds)
            loop.call_soon_threadsafe(loop.call_later, self._drain_seconds, stop, number, None)

        def interrupt(number: int, frame: FrameType | None) -> None:
            begin()
            stop(number, frame)

        signal.signal(signal.SIGTERM, handle)
        if signal.getsignal(signal.SIGINT) == stop:
            signal.signal(signal.SIGINT, interrupt)
