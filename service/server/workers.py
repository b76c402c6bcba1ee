"""Workers: several processes on one port, supervised by uvicorn, with a log line once all serve."""

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
            worker.child_conn.close()  # the worker has its own; if it dies, the pipe closes
        super().keep_subprocess_alive()
        if self.should_exit.is_set():
            return
        for old, new in zip(before, self.processes, strict=True):
            if old is not new:
                log.warning(
                    "worker %d ended with status %s: another was started", old.pid, old.exitcode
                )
        if not self._all_serve and all(worker.is_ready() for worker in self.processes):
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
