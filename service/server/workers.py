"""uvicorn's supervisor of several processes on one port, that says when they answer."""

import logging
import signal
import threading
from socket import socket
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

log = logging.getLogger("service")


class Workers(Multiprocess):
    """The workers of a service; all are told to stop at once, also while one of them hangs."""

    def __init__(self, config: uvicorn.Config, bound: socket) -> None:
        """bound: has the address, on which the workers will listen."""
        super().__init__(config, [bound])
        self._is_serving = False
        self._told: set[Process] = set()
        signal.signal(signal.SIGTERM, self._stop)

    def keep_subprocess_alive(self) -> None:
        before = list(self.processes)
        for each in before:
            each.child_conn.close()  # the worker has its own: where it dies, nobody waits for it
        super().keep_subprocess_alive()
        if self.should_exit.is_set():
            return
        for old, new in zip(before, self.processes, strict=True):
            if old is not new:
                status = old.exitcode
                log.warning("worker %d ended with status %s: another was started", old.pid, status)
        if not self._is_serving and all(each.is_ready() for each in self.processes):
            self._is_serving = True
            host, port = self.sockets[0].getsockname()[:2]
            where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            log.info("%d workers are running on http://%s", len(self.processes), where)

    def terminate_all(self) -> None:
        for each in self.processes:
            if each not in self._told:  # to whom a second signal says to wait no longer
                each.terminate()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        for each in self.processes:
            each.process.terminate()
            self._told.add(each)
        # By a thread: what the signal interrupted may hold the lock that this takes.
        threading.Thread(target=self.should_exit.set).start()
