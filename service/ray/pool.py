"""Work in a pool of actors by Ray Data: what is lost with a process or a machine is done again."""

import itertools
import logging
import pickle
import warnings
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

import numpy as np

from service.errors import ClusterError, ServiceError, StartupError
from service.ray.batch_arguments import Actors

WINDOW = 10_000
"""Pieces of work that the driver holds at most: the next ones are listed when these are done."""
ITEMS = 1_000_000
"""Items of these pieces at most, unless one piece has more: some 600 bytes of names each."""
RETRIES = 3
"""Of a call whose process ends: first with its block, then of each piece alone."""
LOST = (
    f"expected a process that goes on, received one that ended at each of {RETRIES + 1} attempts: "
    "it crashed, or had too little memory"
)


Failed = Callable[[Any, str], Any]
"""Returns the result of a piece of work that failed, of the piece and the problem."""


def run_once(actors: Actors, function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns in a process like an actor's.

    Raises:
        StartupError: Its process ends, or it fails.
        ServiceError: It raises one.
    """
    import ray

    remote = ray.remote(num_cpus=actors.cpus, num_gpus=actors.gpus)(function)
    try:
        return ray.get(remote.remote(*arguments))
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ServiceError):
            raise error.cause from None
        raise _cannot_run(error) from error
    except ray.exceptions.RayError as error:
        raise _cannot_run(error) from error


def results(
    work: Iterable[Any],
    worker: type,
    arguments: dict[str, Any],
    actors: Actors,
    *,
    block: int,
    failed: Failed,
) -> Iterator[Any]:
    """Return what actors return of pieces of work, in any order.

    The pieces of a call whose process or machine ends are given to another one. Where it ends at
    every attempt, each piece is given away alone, so that only the one that ends processes fails.

    Args:
        work: The pieces, taken from the iterator WINDOW at a time.
        worker: A class. Its instances, made of the arguments, are called with some pieces and
            return as many results in the same order. Both are pickled.
        arguments: By name.
        actors: How many, and what each has of a machine.
        block: Pieces of a call.
        failed: Makes the result of a piece that cannot be done.

    Raises:
        StartupError: No actor can run.
        ClusterError: The cluster fails after some pieces were done.
    """
    from ray.exceptions import RayError

    has_run = False
    for window in windows(work):
        left = dict(enumerate(map(pickle.dumps, window)))
        del window
        for size in (block, 1):
            try:
                for number, result in _attempt(left, worker, arguments, actors, block=size):
                    piece = left.pop(number, None)
                    if piece is None:  # it was done twice, as a machine was thought lost
                        continue
                    has_run = True
                    problem = result.problem if isinstance(result, _Failure) else None
                    yield result if problem is None else failed(pickle.loads(piece), problem)
            except RayError as error:
                if not has_run:
                    raise _cannot_run(error) from error
                raise ClusterError(
                    f"--ray: expected actors that go on, received: {_last_line(error)}; what is "
                    "written stays, and the same command resumes"
                ) from error
            if not left:
                break
        for piece in left.values():
            yield failed(pickle.loads(piece), LOST)


def windows(work: Iterable[Any]) -> Iterator[list[Any]]:
    """Return pieces in groups of at most WINDOW pieces and, where they have a size, ITEMS items."""
    window: list[Any] = []
    items = 0
    for piece in work:
        size = len(piece) if isinstance(piece, Sized) else 1
        if window and (len(window) == WINDOW or items + size > ITEMS):
            yield window
            window, items = [], 0
        window.append(piece)
        items += size
    if window:
        yield window


def _attempt(
    pieces: dict[int, bytes],
    worker: type,
    arguments: dict[str, Any],
    actors: Actors,
    *,
    block: int,
) -> Iterator[tuple[int, Any]]:
    """Return the results of pickled pieces by number, but of those whose process has ended.

    Raises:
        RayError: An actor does not start, or the cluster fails.
    """
    from ray import data
    from ray.util.annotations import RayDeprecationWarning

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what has failed is told by lines
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a block whose process has ended has no results
    numbered = iter(pieces.items())
    calls = iter(lambda: list(itertools.islice(numbered, block)), [])
    rows = [{"call": pickle.dumps(call)} for call in calls]
    with warnings.catch_warnings():
        # Extra arguments are deprecated, and no other one of Ray 2.60 bounds the retries.
        warnings.simplefilter("ignore", RayDeprecationWarning)
        done = data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            _Actor,
            batch_size=1,  # Ray asks for it where actors have GPUs
            fn_constructor_args=(worker, arguments),
            compute=data.ActorPoolStrategy(
                min_size=1,
                max_size=actors.count,
                # Alone, a piece shares the fate of no other one that waits for the same process.
                max_tasks_in_flight_per_actor=1 if block == 1 else None,
            ),
            num_cpus=actors.cpus,
            num_gpus=actors.gpus,
            max_task_retries=RETRIES,
        )
    for row in done.iter_rows():
        yield from pickle.loads(row["results"])


def _cannot_run(error: Exception) -> StartupError:
    return StartupError(f"--ray: expected actors that run, received: {_last_line(error)}")


def _last_line(error: Exception) -> str:
    """Return the last line of an error, which may be a traceback."""
    return str(error).strip().rpartition("\n")[2]


class _Failure:
    """An exception that a worker has raised, as text: not every exception can be pickled."""

    def __init__(self, problem: str) -> None:
        self.problem = problem


class _Actor:
    """What Ray Data calls: it knows arrays of bytes alone."""

    def __init__(self, worker: type, arguments: dict[str, Any]) -> None:
        self._work: Callable[[list[Any]], Iterable[Any]] = worker(**arguments)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        results = [
            list(zip(numbers, self._done([pickle.loads(each) for each in pieces]), strict=True))
            for numbers, pieces in (zip(*pickle.loads(call), strict=True) for call in batch["call"])
        ]
        return {"results": np.array([pickle.dumps(each) for each in results], dtype=object)}

    def _done(self, pieces: list[Any]) -> list[Any]:
        try:
            return list(self._work(pieces))
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            if len(pieces) > 1:
                return [result for piece in pieces for result in self._done([piece])]
            return [_Failure(str(error) or type(error).__name__)]
