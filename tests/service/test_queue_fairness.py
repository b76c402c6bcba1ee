"""The queue of a session takes turns between callers: one that sends much starves nobody."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest

from service.inference.caller import Caller
from service.inference.queue import FORGOTTEN, Job, Queue, TileQueue

FLOOD, QUIET, HEAVY = Caller("flood", 1), Caller("quiet", 1), Caller("heavy", 2)
SMALL, LARGE = (8, 8, 3), (700, 700, 3)


def push(
    queue: Queue,
    caller: Caller,
    count: int,
    *,
    steps: int | None = None,
    shape: tuple[int, ...] = (4, 4),
    background: bool = False,
) -> list[Job]:
    """Push so many requests of one item; return them."""
    array = np.zeros((1, *shape), np.float32)
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    now = time.perf_counter()
    jobs = [
        Job(array, steps, None, future, now, None, background, caller, array.size)  # type: ignore[arg-type]
        for _ in range(count)
    ]
    for job in jobs:
        queue.push(job)
    return jobs


def popped(queue: Queue, count: int) -> list[Job]:
    """Pop so many batches of one request each."""
    return [queue.pop(1)[0] for _ in range(count)]


def names(jobs: Iterable[Job]) -> str:
    """The first letter of the caller of each."""
    return "".join(job.caller.name[0] for job in jobs)


async def test_callers_take_turns_however_many_requests_each_has() -> None:
    queue = Queue(64)
    push(queue, FLOOD, 100)
    push(queue, QUIET, 3)
    assert names(popped(queue, 10)) == "fqfqfqffff"


async def test_a_caller_of_twice_the_weight_has_two_turns() -> None:
    queue = Queue(64)
    push(queue, FLOOD, 20)
    push(queue, HEAVY, 20)
    assert names(popped(queue, 9)) == "fhhfhhfhh"


async def test_a_batch_takes_from_several_callers_in_turn() -> None:
    queue = Queue(6)
    push(queue, FLOOD, 100)
    push(queue, QUIET, 2)
    push(queue, HEAVY, 100)
    assert Counter(names(queue.pop())) == {"f": 2, "q": 2, "h": 2}
    assert Counter(names(queue.pop())) == {"f": 2, "h": 4}


async def test_the_requests_of_a_caller_stay_in_their_order() -> None:
    queue = Queue(3)
    sent = push(queue, FLOOD, 5) + push(queue, FLOOD, 5)
    push(queue, QUIET, 4)
    ran = [job for _ in range(5) for job in queue.pop()]
    assert [job for job in ran if job.caller is FLOOD] == sent
    assert not queue


async def test_a_caller_that_comes_later_runs_next_and_no_sooner() -> None:
    queue = Queue(64)
    push(queue, FLOOD, 100)
    popped(queue, 50)
    push(queue, QUIET, 4)  # which have no claim to the 50 turns before they came
    assert names(popped(queue, 8)) in ("fqfqfqfq", "qfqfqfqf")


async def test_many_kinds_of_requests_are_no_more_turns_than_one() -> None:
    queue = Queue(64)
    for steps in range(1, 9):
        push(queue, FLOOD, 1, steps=steps)
    push(queue, QUIET, 3)
    assert names(popped(queue, 8)) == "fqfqfqff"
    assert [job.steps for job in popped(queue, 3)] == [6, 7, 8]


async def test_a_large_request_is_as_many_turns_as_it_takes() -> None:
    queue = Queue(64)
    for _ in range(4):
        push(queue, FLOOD, 1, shape=(8, 8))
    push(queue, QUIET, 16, shape=(4, 4))
    assert names(popped(queue, 20)) == "fq" + "qqqfqqqqfqqqqfqqqq"


async def test_requests_whose_client_has_gone_do_not_run() -> None:
    queue = Queue(64)
    push(queue, FLOOD, 3)[0].future.cancel()  # they share a future
    (stays,) = push(queue, QUIET, 1)
    assert queue.pop() == [stays]
    assert queue.pop() == []


async def test_tiles_of_callers_take_turns() -> None:
    queue = TileQueue(64)
    push(queue, FLOOD, 8, shape=LARGE)
    push(queue, QUIET, 2, shape=LARGE)
    assert names(popped(queue, 6)) == "fqfqff"


async def test_small_photographs_of_callers_take_turns_between_large_tiles() -> None:
    queue = TileQueue(64)
    push(queue, FLOOD, 2, shape=LARGE)
    popped(queue, 1)
    push(queue, FLOOD, 10, shape=SMALL)
    push(queue, QUIET, 2, shape=SMALL)
    assert names(popped(queue, 5)) == "fqfqf"
    push(queue, HEAVY, 1, shape=SMALL)  # which waits for none of those that are queued
    assert names(popped(queue, 2)) in ("hf", "fh")


async def test_what_a_caller_has_in_the_background_delays_none_of_its_requests() -> None:
    queue = Queue(64)
    push(queue, QUIET, 50, background=True)
    push(queue, FLOOD, 3)
    push(queue, QUIET, 3)
    ran = popped(queue, 7)
    assert names(ran) == "fqfqfqq"
    assert [job.background for job in ran] == [False] * 6 + [True]


@pytest.mark.parametrize("kind", [Queue, TileQueue])
async def test_callers_that_have_gone_are_forgotten(kind: type[Queue]) -> None:
    queue = kind(64)
    push(queue, FLOOD, 1, shape=SMALL)
    for number in range(10 * FORGOTTEN):
        push(queue, Caller(str(number), 1), 1, shape=SMALL)
        queue.pop(1)
    assert queue
    assert max(len(lane.turns) for lane in queue._lanes) <= 2 * FORGOTTEN
