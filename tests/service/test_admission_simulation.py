"""In simulated time, over random mixes of clients: none is locked out, and estimated waits hold."""

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pytest

from service.inference.admission import MAX_RETRY_AFTER, Admission
from tests.service.simulation import Clock, Cost, Service

MP = 1_000_000
SECONDS = 20.0

COSTS = {
    "a slow CPU": (Cost(0.004, 1 / 1.5e6), Cost(60e-6, 20e-9), 256),
    "two CPUs": (Cost(0.002, 1 / 3e6), Cost(30e-6, 6e-9), 256),
    "many CPUs": (Cost(0.005, 1 / 30e6), Cost(100e-6, 2e-9), 256),
    "a GPU": (Cost(0.002, 1 / 300e6), Cost(1e-3, 0.3e-9), 1648),
}
"""Seconds of a run, and of each of its numbers: of photographs, and of thumbnails; and the side of
the photograph that warms the model up."""


def photograph(chance: random.Random) -> tuple[int, int]:
    """Height and width from 16x16 to two megapixels, any magnitude as likely; 50 at times."""
    if chance.random() < 0.02:
        return 5792, 8688
    pixels = math.exp(chance.uniform(math.log(256), math.log(2 * MP)))
    height = round(math.sqrt(pixels) * chance.uniform(0.6, 1.0))
    return height, round(pixels / height)


def tiny(_: random.Random) -> tuple[int, int]:
    return 16, 16


def large(chance: random.Random) -> tuple[int, int]:
    return chance.choice([(1200, 1600), (1080, 1920)])


def thumbnails(chance: random.Random) -> int:
    return chance.choice([1, 1, 1, 8, 64, 512])


Size = Callable[[random.Random], tuple[int, int] | int]

MIXES: Mapping[str, Sequence[Size]] = {
    "two clients": [photograph] * 2,
    "two clients with two requests each": [photograph] * 4,
    "tiny beside large": [tiny, tiny, large],
    "photographs beside thumbnails": [photograph] * 3 + [thumbnails] * 4,
    "many clients": [photograph] * 12 + [thumbnails] * 12,
    "many large ones": [large] * 10 + [tiny] * 10,
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


def serve(
    clock: Clock,
    mix: str,
    cost: str,
    seed: int,
    *,
    patience: float | None = None,
    seconds: float = SECONDS,
) -> Service:
    """Let clients send one request after the other; a refusal is an error."""
    chance = random.Random(seed)
    admission = Admission(
        max_items=10_000, max_bytes=10**10, max_pixels=10_000 * MP, patience=patience
    )
    service = Service(admission, *COSTS[cost], chance, clock)
    for size in MIXES[mix]:
        service.client(partial(size, chance), until=seconds)
    service.clock.run(math.inf)
    assert (admission.requests, admission.turns.pixels, admission.held) == (0, 0, 0)
    assert service.told
    return service


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("mix", ["two clients", "two clients with two requests each"])
def test_who_has_at_most_two_requests_inside_is_never_refused(
    clock: Clock, mix: str, cost: str, seed: int
) -> None:
    serve(clock, mix, cost, seed, patience=0.0)  # seconds, however few they are


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mix", ["tiny beside large", "photographs beside thumbnails"])
@pytest.mark.parametrize("cost", ["two CPUs", "many CPUs", "a GPU"])
def test_several_clients_with_one_request_each_are_never_refused(
    clock: Clock, mix: str, cost: str, seed: int
) -> None:
    serve(clock, mix, cost, seed, patience=15.0)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("mix", MIXES)
def test_no_wait_is_told_that_is_over_three_times_what_it_takes(
    clock: Clock, mix: str, cost: str, seed: int
) -> None:
    for told in serve(clock, mix, cost, seed).told:
        assert told.expected <= max(1.0, math.ceil(3 * told.actual)), told


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize(("size", "count", "seconds"), [(tiny, 400, 0.001), (large, 40, 0.03)])
def test_the_wait_of_a_full_queue_is_no_less_than_half_of_what_it_takes(
    clock: Clock, cost: str, size: Size, count: int, seconds: float
) -> None:
    chance = random.Random(0)
    admission = Admission(max_items=10_000, max_bytes=10**10, max_pixels=10_000 * MP)
    service = Service(admission, *COSTS[cost], chance, clock)
    for _ in range(count):
        service.client(partial(size, chance), until=1e-9)  # one request
    clock.run(seconds)
    told, since = admission.wait(), clock.now
    assert admission.requests > count / 4
    clock.run(math.inf)
    took = clock.now - since
    if told == MAX_RETRY_AFTER:
        assert took > MAX_RETRY_AFTER / 2
    else:
        assert took / 2 <= told <= 2 * took + 1
