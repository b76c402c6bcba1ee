"""Tiles wait for their turn: how many, beside which others, and what becomes of them."""

import asyncio
import gc
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.errors import InvalidValue
from service.inference.loader import load
from service.inference.model import LoadedModel
from tests.service.gate import Gate
from tests.service.tile_runs import (
    CORE,
    SLOW,
    TILING,
    denoise,
    picture,
    record_shapes,
    slow_down,
)
from tests.service.tiny import TINY, blur, write_model


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    return load(write_model(tmp_path, "photo"))


async def test_it_is_told_of_all_pixels_and_of_how_long_they_took(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_down(monkeypatch)
    done: list[int] = []
    started = time.perf_counter()
    result = await denoise(model, picture(40, 77, 3), core=CORE, done=done.append)
    elapsed = time.perf_counter() - started
    assert len(done) == len(TILING.cut(40, 77, core=CORE)) == 8
    assert sum(done) == 40 * 77
    assert SLOW < result.inference <= elapsed
    assert 0 <= result.queue <= elapsed - result.inference


async def test_a_picture_is_told_how_long_it_waited_for_others(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_down(monkeypatch)
    first = asyncio.create_task(denoise(model, picture(9, 9, 3)))
    second = asyncio.create_task(denoise(model, picture(8, 8, 3)))
    waits = sorted([(await first).queue, (await second).queue])
    assert waits[0] < SLOW <= waits[1] + 0.5 * SLOW


async def test_no_more_than_two_tiles_are_in_the_queue(model: LoadedModel, gate: Gate) -> None:
    pending: set[asyncio.Future[Any]] = set()
    most = 0
    batcher = model.batchers["denoise"]
    submit = batcher.submit

    def watch(*arguments: Any, **named: Any) -> asyncio.Future[Any]:
        nonlocal most
        future = submit(*arguments, **named)
        pending.add(future)
        future.add_done_callback(pending.discard)
        most = max(most, len(pending))
        return future

    batcher.submit = watch  # type: ignore[method-assign]
    gate.close()
    large = asyncio.create_task(denoise(model, picture(100, 100, 3), core=CORE))
    await gate.reached()
    while len(pending) < 2:  # noqa: ASYNC110 - what is waited for is not told
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)  # in which a third one would come
    assert len(model.batchers["denoise"].waiting()) == 1
    gate.open()
    await large
    assert most == 2


async def test_tiles_of_a_picture_that_is_cancelled_do_not_run(
    model: LoadedModel, gate: Gate
) -> None:
    gate.close()
    large = asyncio.create_task(denoise(model, picture(100, 100, 3), core=CORE))
    await gate.reached()
    large.cancel()
    with pytest.raises(asyncio.CancelledError):
        await large
    gate.open()
    await denoise(model, picture(8, 8, 3))
    assert gate.batches == [1, 1]  # the tile that ran already, and the picture that came after


async def test_a_small_picture_beside_a_large_one_waits_for_two_tiles_at_most(
    model: LoadedModel, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = record_shapes(monkeypatch)
    gate.close()
    large = asyncio.create_task(denoise(model, picture(400, 400, 3), core=CORE))
    await gate.reached()
    small = asyncio.create_task(denoise(model, picture(5, 5, 3), core=CORE))
    while len(model.batchers["denoise"].waiting()) < 2:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.001)
    gate.open()
    await small
    assert not large.done()
    assert shapes.index((1, 8, 8, 3)) <= 2
    await large
    assert len(shapes) > 300  # of 625 tiles, two of which may run at once


async def test_a_tile_that_cannot_be_denoised_fails_the_picture_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TINY, "photo", {"denoise": blur(gain=2e38)})
    model = load(write_model(tmp_path, "photo"))
    bad, good = np.zeros((100, 100, 3), np.float32), np.zeros((33, 33, 3), np.float32)
    bad[:40] = 50.0
    shapes = record_shapes(monkeypatch)
    outcomes = await asyncio.gather(
        denoise(model, bad, core=CORE), denoise(model, good, core=CORE), return_exceptions=True
    )
    assert isinstance(outcomes[0], InvalidValue)
    assert "outputs are not finite" in str(outcomes[0])
    assert not isinstance(outcomes[1], BaseException)
    assert len(shapes) < 20  # of the 36 tiles


async def test_of_tiles_that_fail_together_only_one_is_told_of(
    model: LoadedModel, caplog: pytest.LogCaptureFixture
) -> None:
    submitted = 0

    def fail(*arguments: Any, **named: Any) -> asyncio.Future[Any]:
        nonlocal submitted
        submitted += 1
        future = asyncio.get_running_loop().create_future()
        future.set_exception(InvalidValue("expected"))
        return future

    model.batchers["denoise"].submit = fail  # type: ignore[method-assign]
    with pytest.raises(InvalidValue, match="expected"):
        await denoise(model, picture(40, 40, 3), core=CORE)
    gc.collect()
    assert submitted == 2
    assert not caplog.records  # asyncio logs an exception that nobody asked for
