"""Workers: several processes on one port, supervised by uvicorn, with a log line once all serve."""

import logging
import pickle
import signal
import threading
import time
from socket import socket
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

START_SECONDS = 120.0
"""Seconds without a sign of life after which a worker that starts is replaced: on a busy machine,
imports and the loading of models give none for longer than the 5 s that uvicorn waits, so that
workers would be started for ever."""

log = logging.getLogger("service")


class Worker(Process):
    """A worker, which has more time for a sign of life until it serves.

    Attributes:
        serves: Whether it has said that it serves.
    """

    serves = False
    _heard = 0.0
    _is_asked = False

    def is_alive(self, timeout: float = 5) -> bool:
        if self.serves:
            return super().is_alive(timeout)
        self._heard = self._heard or time.monotonic()
        is_heard = self.ping(0) or time.monotonic() - self._heard < START_SECONDS
        return self.process.is_alive() and is_heard

    def _healthcheck(self, timeout: float) -> bool | None:
        """Ask for a sign of life unless the last one is still due: none is read as a later one."""
        try:
            if not self._is_asked:
                self.parent_conn.send(b"ping")
                self._is_asked = True
            if not self.parent_conn.poll(timeout):
                return None
            self.serves = self.parent_conn.recv()
        except (OSError, EOFError, pickle.UnpicklingError):
            return None
        self._is_asked, self._heard = False, time.monotonic()
        return self.serves


class Workers(Multiprocess):
    """uvicorn's supervisor, which stops all workers at once, even while one of them hangs."""

    def __init__(self, config: uvicorn.Config, bound: socket) -> None:
        """Prepare the workers; run() starts them.

        Args:
            config: uvicorn's configuration of each worker.
            bound: A socket bound to the address, not listening yet.
        """
        super().__init__(config, [bound])
        self._all_serve = False
        self._terminated: set[Process] = set()
        signal.signal(signal.SIGTERM, self._stop)

    def keep_subprocess_alive(self) -> None:
        before = list(self.processes)
        for worker in before:
            worker.__class__ = Worker  # uvicorn creates them, here and on signals
            worker.child_conn.close()  # the worker has its own; if it dies, the pipe closes
        super().keep_subprocess_alive()
        if self.should_exit.is_set():
            return
        for old, new in zip(before, self.processes, strict=True):
            if old is not new:
                log.warning(
                    "worker %d ended with status %s: another was started", old.pid, old.exitcode
                )
        if not self._all_serve and all(getattr(each, "serves", False) for each in self.processes):
            self._all_serve = True
            host, port = self.sockets[0].getsockname()[:2]
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            log.info("%d workers are running on http://%s", len(self.processes), address)

    def terminate_all(self) -> None:
        for worker in self.processes:
            if worker not in self._terminated:  # a second SIGTERM would cut its draining short
                worker.terminate()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        for worker in self.processes:
            worker.process.terminate()
            self._terminated.add(worker)
        # In a thread, as the signal may have interrupted the holder of the event's lock.
        threading.Thread(target=self.should_exit.set).start()
