"""Ends a worker whose supervisor has died: it has the port, and nothing could replace it."""

import logging
import multiprocessing
import signal
import threading

log = logging.getLogger("service")


def end_with_supervisor() -> None:
    """Stop this process, as SIGINT does, once the process that started it has ended.

    The requests in flight are finished. Where no process of multiprocessing started this one,
    nothing happens.
    """
    if multiprocessing.parent_process():
        threading.Thread(target=_wait, name="supervision", daemon=True).start()


def _wait() -> None:
    supervisor = multiprocessing.parent_process()
    assert supervisor
    supervisor.join()  # its end of a pipe closes, however it ended
    log.error("the supervisor of the workers has died: this worker finishes its requests and ends")
    signal.raise_signal(signal.SIGINT)  # SIGTERM would keep the port while it drains
