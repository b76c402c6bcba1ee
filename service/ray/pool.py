"""Work in a pool of actors by Ray Data: what is lost with a process or a machine is done again."""

import contextlib
import itertools
import logging
import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from service.errors import StartupError
from service.ray.batch_arguments import Actors

WINDOW = 10_000
"""Pieces of work in the cluster's memory: the next ones are listed when these are done."""


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Connect to a cluster, or start one, unless this process is connected.

    Raises:
        StartupError: Ray is missing, or there is no cluster at the address.
    """
    try:
        import ray
    except ImportError as error:
        raise StartupError(
            f"--ray: expected the extra [ray] to be installed, received: {error}; "
            "pip install --find-links dist 'autoencoder-service[ray]'"
        ) from error
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report how it is used
    try:
        ray.init(address or None, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # where nothing answers, or a node does not start
        where = f"a cluster at {address}" if address else "a cluster"
        raise StartupError(f"--ray: expected {where}, received: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def once(actors: Actors, function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns in a process like an actor's."""
    import ray

    remote = ray.remote(num_cpus=actors.cpus, num_gpus=actors.gpus)(function)
    try:
        return ray.get(remote.remote(*arguments))
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None


def results(
    work: Iterable[Any],
    worker: type,
    arguments: dict[str, Any],
    actors: Actors,
    *,
    block: int,
) -> Iterator[Any]:
    """Return what actors return of pieces of work, in any order.

    A piece that was being worked on by a process or a machine that ended is given to another one.

    Args:
        work: The pieces, taken from the iterator WINDOW at a time.
        worker: A class. Its instances, made of the arguments, are called with some pieces and
            return as many results. Both are pickled.
        arguments: By name.
        actors: How many, and what each has of a machine.
        block: Pieces of a call.

    Raises:
        StartupError: No actor can run them.
    """
    from ray import data
    from ray.exceptions import RayError

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    remaining = iter(work)
    while pieces := list(itertools.islice(remaining, WINDOW)):
        blocks = -(-len(pieces) // block)
        pickled = [{"piece": pickle.dumps(each)} for each in pieces]
        done = data.from_items(pickled, override_num_blocks=blocks).map_batches(
            _Actor,
            fn_constructor_args=(worker, arguments),
            compute=data.ActorPoolStrategy(min_size=1, max_size=actors.count),
            num_cpus=actors.cpus,
            num_gpus=actors.gpus,
        )
        try:
            for row in done.iter_rows():
                yield pickle.loads(row["result"])
        except RayError as error:
            line = str(error).strip().rpartition("\n")[2]  # of a traceback
            raise StartupError(f"--ray: expected actors that run, received: {line}") from error


def shared(text: str) -> str:
    """Return a path as all machines see it, from the root on; a URL as it is."""
    return text if "://" in text else str(Path(text).absolute())


class _Actor:
    """What Ray Data calls: it knows arrays of bytes alone."""

    def __init__(self, worker: type, arguments: dict[str, Any]) -> None:
        self._work: Callable[[list[Any]], Iterable[Any]] = worker(**arguments)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        done = self._work([pickle.loads(each) for each in batch["piece"]])
        return {"result": np.array([pickle.dumps(each) for each in done], dtype=object)}
