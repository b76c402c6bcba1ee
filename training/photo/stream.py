"""Batches made ahead of the training by processes of their own."""

import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from typing import Any, Protocol, TypeVar

from training.datasets.photos import Photos, Pixels

AHEAD = 4
"""Batches that each process makes before they are needed."""

Batch = TypeVar("Batch")
Made_co = TypeVar("Made_co", covariant=True)


class Source(Protocol[Made_co]):
    """What batches are drawn from: photographs, and how a batch is made of them."""

    @property
    def photos(self) -> Photos: ...

    def draw(self, number: int, size: int, arrays: list[Pixels]) -> Made_co:
        """Return the batch of a number and a patch size; it depends on nothing else."""
        ...


def stream(
    source: Source[Batch], plan: Iterable[tuple[int, int]], *, workers: int
) -> Generator[Batch]:
    """Yield a batch for each number and patch size of a plan, made ahead by processes.

    Args:
        source: What batches are drawn from; the processes receive a copy.
        plan: Numbers and patch sizes, consumed a few batches early.
        workers: Processes.
    """
    ahead: deque[Future[Batch]] = deque()
    # Spawned, not forked: a fork of a process with the threads of a framework may hang.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (source,))
    try:
        for number, size in plan:
            with _deferred_signals():  # a process that has just begun would die of them
                ahead.append(pool.submit(_draw, number, size))
            if len(ahead) > AHEAD * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _deferred_signals() -> Iterator[None]:
    """Defer what stops the training; processes started meanwhile never receive it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare(source: Source[Any]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # the training stops its processes itself
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    global _source, _arrays  # what a process of the pool keeps between batches
    _source, _arrays = source, source.photos.arrays()


def _end_with_parent() -> None:
    """End this process when the training has: one that was killed ends none of its processes."""
    if parent := parent_process():
        connection.wait([parent.sentinel])
        os._exit(1)


def _draw(number: int, size: int) -> Any:
    return _source.draw(number, size, _arrays)


_source: Source[Any]
_arrays: list[Pixels]
