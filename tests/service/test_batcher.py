"""Requests are batched without a timer, and none harms another."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from service.errors import InvalidValue
from service.inference import batcher as batching
from service.inference import queue as queueing
from service.inference.batcher import Batch, Batcher
from service.inference.device import Execution
from service.inference.pixels import Floats
from service.inference.queue import Result
from service.inference.session import Session, Sigma
from tests.service.tiny import blur, halve, repeat_row, write_graph


class Gate(Session):
    """A session whose runs wait to be let through, and that remembers what it was given."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.given: list[Floats] = []
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.poison: float | None = None

    def run(self, array: Floats, *known: object) -> Floats:
        self.given.append(array.copy())
        self.entered.release()
        assert self.open.wait(30)
        if self.poison is not None and (array == self.poison).any():
            raise RuntimeError("poison")
        return super().run(array, *known)  # type: ignore[arg-type]

    async def is_entered(self) -> None:
        assert await asyncio.to_thread(self.entered.acquire, timeout=30)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    session = Gate(
        tmp_path / "graph.onnx", write_graph(halve(), tmp_path / "graph.onnx"), Execution()
    )
    yield session
    session.open.set()


@pytest.fixture(autouse=True)
def always_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that is closed may only hold a thread up."""
    monkeypatch.setattr(batching, "BRIEF", 0.0)


RANDOM = np.random.default_rng(0)


def images(value: float, count: int = 1) -> Floats:
    return np.full((count, 4, 4), value, np.float32)


def record_threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The name of the thread of each run from now on."""
    threads: list[str] = []
    run = Session.run

    def where(self: Session, *arguments: object) -> Floats:
        threads.append(threading.current_thread().name)
        return run(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "run", where)
    return threads


async def test_what_waits_while_a_batch_runs_is_the_next_batch(gate: Gate) -> None:
    seen: list[Batch] = []
    batcher = Batcher(gate, max_batch=64, observe=seen.append)
    answers = [batcher.submit(images(0))]
    await gate.is_entered()
    answers += [batcher.submit(images(value)) for value in (1, 2, 3)]
    assert len(batcher.waiting()) == 3
    gate.open.set()
    outputs = [(await answer).output for answer in answers]
    assert [output.shape for output in outputs] == [(1, 4, 4)] * 4
    assert [float(output[0, 0, 0]) for output in outputs] == [0, 0.5, 1, 1.5]
    assert [(batch.items, batch.requests) for batch in seen] == [(1, 1), (3, 3)]


async def test_requests_of_one_turn_of_the_event_loop_share_a_batch(gate: Gate) -> None:
    gate.open.set()
    batcher = Batcher(gate, max_batch=64)
    await asyncio.gather(*(batcher.submit(images(value)) for value in range(5)))
    assert [len(given) for given in gate.given] == [5]


async def test_more_requests_than_a_turn_takes_wait_for_the_next_batch(gate: Gate) -> None:
    gate.open.set()
    batcher = Batcher(gate, max_batch=64)
    await asyncio.gather(
        *(batcher.submit(images(value)) for value in range(batching.MAX_REQUESTS + 3))
    )
    assert [len(given) for given in gate.given] == [batching.MAX_REQUESTS, 3]


async def test_a_request_that_is_alone_waits_for_nobody(gate: Gate) -> None:
    gate.open.set()
    result = await Batcher(gate, max_batch=64).submit(images(1))
    assert [len(given) for given in gate.given] == [1]
    assert result.queue >= 0
    assert result.inference > 0


async def test_a_batch_is_no_larger_than_its_limit_but_one_request_may_be(gate: Gate) -> None:
    gate.open.set()
    batcher = Batcher(gate, max_batch=4)
    counts = [3, 2, 9, 1, 3]
    answers = [batcher.submit(images(0, count)) for count in counts]
    results = await asyncio.gather(*answers)
    assert [len(result.output) for result in results] == counts
    assert [len(given) for given in gate.given] == [3, 2, 9, 4]


async def test_only_one_shape_is_in_a_batch_and_every_shape_has_its_turn(tmp_path: Path) -> None:
    operation = write_graph(repeat_row(), tmp_path / "graph.onnx")
    gate = Gate(tmp_path / "graph.onnx", operation, Execution())
    batcher = Batcher(gate, max_batch=2)
    rows = np.ones((1, 4), np.float32)
    first = batcher.submit(rows, 9)
    await gate.is_entered()
    answers = [batcher.submit(rows, steps) for steps in (2, 2, 2, 2, 3)]
    gate.open.set()
    shapes = [(await answer).output.shape for answer in answers]
    assert shapes == [(1, 2, 4)] * 4 + [(1, 3, 4)]
    assert (await first).output.shape == (1, 9, 4)
    assert [len(given) for given in gate.given] == [1, 2, 1, 2]  # 9; 2, 2; 3; 2, 2


async def test_a_request_that_is_cancelled_never_runs(gate: Gate) -> None:
    batcher = Batcher(gate, max_batch=64)
    running = batcher.submit(images(0))
    await gate.is_entered()
    gone, stays = batcher.submit(images(1)), batcher.submit(images(2))
    gone.cancel()
    running.cancel()  # too late for this one, but its answer goes nowhere
    gate.open.set()
    assert float((await stays).output[0, 0, 0]) == 1
    assert [given[0, 0, 0] for given in gate.given] == [0, 2]


async def test_a_queue_of_cancelled_requests_leaves_the_session_free(gate: Gate) -> None:
    batcher = Batcher(gate, max_batch=64)
    batcher.submit(images(1)).cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (gate.given, batcher.busy_for()) == ([], 0.0)
    gate.open.set()
    assert (await batcher.submit(images(2))).output[0, 0, 0] == 1


async def test_poison_fails_alone(gate: Gate) -> None:
    gate.poison = 7
    gate.open.set()
    batcher = Batcher(gate, max_batch=64)
    results = await asyncio.gather(
        *(batcher.submit(images(value)) for value in (1, 7, 3)), return_exceptions=True
    )
    first, second, third = results
    assert isinstance(second, RuntimeError)
    assert not isinstance(first, BaseException)
    assert not isinstance(third, BaseException)
    assert (first.output[0, 0, 0], third.output[0, 0, 0]) == (0.5, 1.5)


async def test_outputs_that_are_not_finite_fail_the_request_that_caused_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "graph.onnx"
    session = Session(path, write_graph(halve(factor=10.0), path), Execution())
    batcher = Batcher(session, max_batch=64)
    largest = float(np.finfo(np.float32).max)
    good, bad = await asyncio.gather(
        batcher.submit(images(1)), batcher.submit(images(largest)), return_exceptions=True
    )
    assert isinstance(bad, InvalidValue)
    assert not isinstance(good, BaseException)
    assert good.output[0, 0, 0] == 10


async def test_a_batch_that_is_known_to_be_brief_runs_without_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "BRIEF", 60.0)
    path = tmp_path / "graph.onnx"
    session = Session(path, write_graph(halve(), path), Execution())
    threads = record_threads(monkeypatch)
    batcher = Batcher(session, max_batch=64)
    for _ in range(3):
        await batcher.submit(images(1))
    assert threads[0] != threading.current_thread().name  # how long it takes is not known yet
    assert threads[1:] == [threading.current_thread().name] * 2


async def test_a_large_request_runs_in_parts_and_stops_when_nobody_waits(gate: Gate) -> None:
    gate.open.set()
    batcher = Batcher(gate, max_batch=64)
    many = RANDOM.random((600, 4, 4), np.float32)
    np.testing.assert_array_equal((await batcher.submit(many)).output, many / 2)
    assert [len(given) for given in gate.given] == [256, 256, 88]
    gate.open.clear()
    gate.given.clear()
    gate.entered = threading.Semaphore(0)
    gone = batcher.submit(many)
    await gate.is_entered()
    gone.cancel()
    gate.open.set()
    await batcher.submit(images(1))
    assert [len(given) for given in gate.given] == [256, 1]


async def test_how_long_a_batch_takes_is_known_by_its_work_not_its_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "BRIEF", 60.0)
    path = tmp_path / "graph.onnx"
    session = Session(path, write_graph(repeat_row(), path), Execution())
    threads = record_threads(monkeypatch)
    batcher = Batcher(session, max_batch=64)
    for steps in (1, 1, 4096):
        await batcher.submit(np.ones((1, 4), np.float32), steps)
    here = threading.current_thread().name
    assert [name == here for name in threads] == [False, True, False]


@pytest.fixture
def photographs(tmp_path: Path) -> Iterator[Gate]:
    path = tmp_path / "photographs.onnx"
    session = Gate(path, write_graph(blur(), path), Execution())
    yield session
    session.open.set()


async def test_photographs_of_different_noise_share_a_batch(photographs: Gate) -> None:
    batcher = Batcher(photographs, max_batch=64)
    noisy = RANDOM.random((2, 8, 8, 3), np.float32)
    first = batcher.submit(noisy)
    await photographs.is_entered()
    told: list[Sigma | None] = [0.0, 80.0, None, np.array([80, 0], np.float32)]
    answers = [batcher.submit(noisy, None, sigma) for sigma in told]
    photographs.open.set()
    nothing, much, unknown, each = [(await answer).output for answer in answers]
    assert [len(given) for given in photographs.given] == [2, 8]
    np.testing.assert_array_equal(nothing, noisy)
    np.testing.assert_allclose(unknown - noisy, (much - noisy) * 0.5 / 0.8, atol=1e-6)
    np.testing.assert_array_equal(each, [much[0], noisy[1]])
    np.testing.assert_array_equal((await first).output, unknown)


async def test_no_more_of_photographs_runs_at_once_than_others_can_wait_for(
    photographs: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "MAX_RUN_NUMBERS", 3 * 8 * 8 * 3)
    batcher = Batcher(photographs, max_batch=64)
    small, large = RANDOM.random((7, 8, 8, 3), np.float32), np.ones((1, 32, 32, 3), np.float32)
    sigma = np.arange(7, dtype=np.float32)
    first = batcher.submit(large)
    await photographs.is_entered()
    alone = [
        batcher.submit(each[None], None, float(told))
        for each, told in zip(small, sigma, strict=True)
    ]
    together = batcher.submit(small, None, sigma)
    photographs.open.set()
    outputs = np.concatenate([(await answer).output for answer in alone])
    np.testing.assert_array_equal((await together).output, outputs)
    await first
    assert [len(given) for given in photographs.given] == [1, 3, 3, 1, 3, 3, 1]


LARGE = [(32, 16), (16, 32), (32, 24), (24, 32), (32, 40), (40, 32), (32, 48), (48, 32), (64, 8)]
"""Of which one runs at a time where 256 pixels may."""


def submitted(batcher: Batcher, sizes: list[tuple[int, int]]) -> list[asyncio.Future[Result]]:
    return [batcher.submit(np.ones((1, *size, 3), np.float32)) for size in sizes]


async def test_a_small_photograph_waits_for_one_tile_however_many_others_there_are(
    photographs: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "MAX_RUN_NUMBERS", 3 * 256)
    batcher = Batcher(photographs, max_batch=64)
    answers = submitted(batcher, LARGE[:1])
    await photographs.is_entered()
    answers += submitted(batcher, [*LARGE[1:], (8, 8), (8, 16)])
    photographs.open.set()
    await asyncio.gather(*answers)
    sizes = [given.shape[1:3] for given in photographs.given]
    assert sizes == [LARGE[0], (8, 8), (8, 16), *LARGE[1:]]


async def test_however_many_small_photographs_there_are_large_ones_have_half_of_the_time(
    photographs: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "MAX_RUN_NUMBERS", 3 * 256)
    batcher = Batcher(photographs, max_batch=64)
    answers = submitted(batcher, LARGE[:1])  # 512 pixels
    await photographs.is_entered()
    answers += submitted(batcher, [(8, 16)] * 10)  # 128, two at once
    answers += submitted(batcher, LARGE[1:4])  # 512, 768, 768
    photographs.open.set()
    await asyncio.gather(*answers)
    shapes = [given.shape[:3] for given in photographs.given]
    small = (2, 8, 16)
    first, second, third, last = [(1, *size) for size in LARGE[:4]]
    assert shapes == [first, small, small, second, small, small, third, small, last]


async def test_tiles_of_photographs_run_in_the_order_in_which_they_came(
    photographs: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "MAX_RUN_NUMBERS", 3 * 256)
    batcher = Batcher(photographs, max_batch=64)
    most, other = LARGE[:2]
    came = [most, most, most, other, most, other]
    answers = submitted(batcher, came[:1])
    await photographs.is_entered()
    answers += submitted(batcher, came[1:])
    photographs.open.set()
    await asyncio.gather(*answers)
    assert [given.shape[1:3] for given in photographs.given] == came
