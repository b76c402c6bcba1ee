"""Threads that start with the service: while it runs, there may be no memory for another."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

MOST = min(32, (os.cpu_count() or 1) + 4)
"""As many as Python's own executor has."""


def started(count: int = MOST) -> ThreadPoolExecutor:
    """Return an executor, all of whose threads run."""
    pool = ThreadPoolExecutor(count, "service")
    together = threading.Barrier(count)
    for _ in range(count):
        pool.submit(together.wait)
    return pool
