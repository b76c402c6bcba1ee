"""Photographs of any size are denoised as if at once, tile by tile."""

import asyncio
import gc
import itertools
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.errors import InvalidValue, OperationNotOffered, ShapeMismatch
from service.inference.loader import load
from service.inference.model import Model
from service.inference.pixels import LARGEST, Floats, to_floats
from service.inference.session import Session
from service.inference.tiling import canvas
from service.inference.tiling.canvas import Canvas, Picture
from service.inference.tiling.controls import Controls
from service.inference.tiling.denoise import Denoised
from service.inference.tiling.layout import Span, Tiling
from service.manifest import Tiles
from tests.service.gate import Gate
from tests.service.tiny import TILES, TINY, blur, write_model

TILING = Tiling.of(TILES)
RANDOM = np.random.default_rng(0)
CORE = 16
"""With a halo of 8, the one of 2 rounded up to the stride, tiles are of 32x32 pixels at most."""


NOTHING = Controls(strength=0)
"""Removes none of the noise."""

SLOW = 0.02
"""Seconds."""


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load(write_model(tmp_path, "photo"))


async def denoise(model: Model, noisy: Picture, **options: Any) -> Denoised:
    return await model.photographs().denoise(noisy, **options)


def picture(*shape: int, dtype: str = "uint8") -> Picture:
    if dtype == "float32":
        return RANDOM.random(shape, np.float32)
    return RANDOM.integers(0, LARGEST[np.dtype(dtype)], shape, dtype, endpoint=True)


def at_once(model: Model, noisy: Floats, sigma: float | None = None) -> Floats:
    """What a whole picture (height, width, 3) becomes, mirrored up to the stride."""
    height, width, _ = noisy.shape
    beyond = [(0, -side % TILES.stride) for side in (height, width)]
    padded = np.pad(noisy, (*beyond, (0, 0)), "symmetric")
    return model.infer("denoise", padded[None], sigma=sigma)[0, :height, :width]


def record_shapes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shape of each run from now on."""
    shapes: list[tuple[int, ...]] = []
    run = Session.run

    def record(session: Session, array: Floats, *arguments: Any) -> Floats:
        shapes.append(array.shape)
        return run(session, array, *arguments)

    monkeypatch.setattr(Session, "run", record)
    return shapes


def slow_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each run from now on take a while."""
    run = Session.run

    def crawl(session: Session, array: Floats, *arguments: Any) -> Floats:
        time.sleep(SLOW)
        return run(session, array, *arguments)

    monkeypatch.setattr(Session, "run", crawl)


SIDES = (1, 2, 7, 8, 9, 31, 32, 33, 40, 47, 48, 49, 63, 65, 67, 200)


@pytest.mark.parametrize(("stride", "halo"), [(1, 0), (1, 3), (8, 0), (8, 2), (8, 32), (16, 24)])
@pytest.mark.parametrize("core", [1, 16, 33])
@pytest.mark.parametrize("bucket", [1, 3])
def test_tiles_keep_every_pixel_once_and_take_what_it_depends_on(
    stride: int, halo: int, core: int, bucket: int
) -> None:
    tiling = Tiling.of(Tiles(stride=stride, halo=halo), stride * bucket)
    multiple = tiling.multiple
    for size in SIDES:
        spans = [tile.rows for tile in tiling.cut(size, 1, core=core)]
        (length,) = {span.length for span in spans}
        assert length % multiple == 0
        assert length <= core + 2 * (halo + stride) + multiple
        kept = [pixel for span in spans for pixel in range(span.first, span.last)]
        assert kept == list(range(size))
        assert all(span.first < span.last for span in spans)
        assert all(span.start % stride == 0 <= span.start <= span.first for span in spans)
        for before, after in itertools.pairwise(spans):
            assert before.last + halo <= before.start + length
            assert after.first - halo >= after.start > before.start
        # The last one ends where the side does, and so does the only one, unless in a bucket.
        end = spans[-1].start + length
        padded = -(-size // stride) * stride
        assert end == (padded if len(spans) > 1 else max(padded, length))


def test_tiles_go_row_by_row_and_a_photograph_of_no_more_than_one_is_not_cut() -> None:
    tiles = TILING.cut(40, 33, core=CORE)
    assert tiles == [
        (Span(0, 32, 0, 24), Span(0, 32, 0, 24)),
        (Span(0, 32, 0, 24), Span(8, 32, 24, 33)),
        (Span(8, 32, 24, 40), Span(0, 32, 0, 24)),
        (Span(8, 32, 24, 40), Span(8, 32, 24, 33)),
    ]
    assert [tile.pixels for tile in tiles] == [576, 216, 384, 144]
    assert TILING.cut(32, 1, core=CORE) == [(Span(0, 32, 0, 32), Span(0, 8, 0, 1))]


@pytest.mark.parametrize("sigma", [None, 100.0])
@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (1, 7), (7, 1), (8, 8), (1, 33), (31, 9), (32, 32), (33, 31), (67, 33), (40, 129)],
)
async def test_what_tiles_become_is_what_the_whole_becomes(
    model: Model, height: int, width: int, sigma: float | None
) -> None:
    noisy = picture(height, width, 3)
    whole = at_once(model, to_floats(noisy, model.manifest.pixels), sigma)
    clean = (await denoise(model, noisy, sigma=sigma, core=CORE)).output
    assert (clean.dtype, clean.shape) == (noisy.dtype, noisy.shape)
    difference = clean - np.clip(whole, 0, 1) * 255
    assert np.abs(difference).max() < 0.51  # it is rounded
    if height > 1:
        assert (clean != noisy).any()


@pytest.mark.parametrize("bucket", [8, 64])
async def test_a_picture_is_mirrored_up_to_a_bucket_where_the_session_has_some(
    model: Model, monkeypatch: pytest.MonkeyPatch, bucket: int
) -> None:
    denoiser = model.photographs()
    monkeypatch.setattr(denoiser, "tiling", Tiling.of(TILES, bucket))
    shapes = record_shapes(monkeypatch)
    noisy = picture(5, 70, 3)
    clean = (await denoise(model, noisy, core=CORE)).output
    width = {8: 32, 64: 64}[bucket]
    assert {shape[1:] for shape in shapes} == {(bucket, width, 3)}
    padded = np.pad(noisy, ((0, bucket - 5), (0, 2), (0, 0)), "symmetric")
    whole = model.infer("denoise", to_floats(padded[None], model.manifest.pixels))
    whole = whole[0, :5, :70] * 255
    assert np.abs(clean - np.clip(whole, 0, 255)).max() < 0.51


@pytest.mark.parametrize("shape", [(70, 33, 3), (70, 33)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
async def test_a_picture_keeps_its_type_and_all_of_its_bits(
    model: Model, shape: tuple[int, ...], dtype: str
) -> None:
    noisy = picture(*shape, dtype=dtype)
    scale = LARGEST.get(noisy.dtype, 1)
    floats = noisy.reshape(70, 33, -1) / np.float32(scale)
    whole = at_once(model, np.ascontiguousarray(np.broadcast_to(floats, (70, 33, 3))))
    if len(shape) == 2:
        whole = whole.mean(axis=-1)
    clean = (await denoise(model, noisy, core=CORE)).output
    assert (clean.dtype, clean.shape) == (noisy.dtype, shape)
    if dtype == "float32":  # what lies outside 0 to 1 is the caller's
        np.testing.assert_allclose(clean, whole, atol=1e-6)
    else:
        assert np.abs(clean - np.clip(whole, 0, 1) * scale).max() < 0.51


@pytest.mark.parametrize("strip", [canvas.STRIP, 100, 10])
async def test_a_gray_picture_stays_gray_in_three_channels_as_in_one(
    model: Model, monkeypatch: pytest.MonkeyPatch, strip: int
) -> None:
    monkeypatch.setattr(canvas, "STRIP", strip)  # all of it, three rows, a third of a row
    gray = picture(70, 33)
    colour = np.repeat(gray[..., None], 3, axis=-1)
    clean = (await denoise(model, gray, core=CORE)).output
    in_colour = (await denoise(model, colour, core=CORE)).output
    np.testing.assert_array_equal(in_colour, np.repeat(clean[..., None], 3, axis=-1))
    colour[69, 32, 2] ^= 1  # no longer gray, by the last of its pixels
    mixed = (await denoise(model, colour, core=CORE)).output
    assert (mixed[..., 0] != mixed[..., 2]).any()


@pytest.mark.parametrize("shape", [(1_000_000, 1), (1_000_000, 1, 3), (1, 4_000_000, 3)])
def test_a_picture_of_any_aspect_takes_no_time_before_it_begins(
    model: Model, shape: tuple[int, ...]
) -> None:
    gray = np.zeros(shape, np.uint8)
    started = time.process_time()
    Canvas(gray, model.manifest.pixels, TILING)
    assert time.process_time() - started < 0.3


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
async def test_strength_says_how_much_of_the_noise_goes(model: Model, dtype: str) -> None:
    noisy = picture(40, 40, 3, dtype=dtype)
    before = noisy.copy()
    most = (await denoise(model, noisy, core=CORE)).output
    half = (await denoise(model, noisy, controls=Controls(strength=0.5), core=CORE)).output
    nothing = (await denoise(model, noisy, controls=NOTHING, core=CORE)).output
    np.testing.assert_array_equal(noisy, before)
    np.testing.assert_array_equal(nothing, noisy)
    assert nothing is not noisy
    kept = most > 0  # no darker than black, which is cut off
    middle = (noisy.astype(np.float64) + most) / 2
    np.testing.assert_allclose(half[kept], middle[kept], atol=1 if dtype != "float32" else 1e-6)


async def test_a_strength_of_nothing_runs_nothing(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes, done = record_shapes(monkeypatch), list[int]()
    result = await denoise(model, picture(9, 7), controls=NOTHING, done=done.append)
    assert (shapes, done, result.queue, result.inference) == ([], [63], 0, 0)


async def test_a_picture_is_copied_beside_the_event_loop(model: Model) -> None:
    threads: list[threading.Thread] = []

    class Watched(np.ndarray[Any, Any]):
        def copy(self, *arguments: Any) -> Any:
            threads.append(threading.current_thread())
            return super().copy(*arguments)

    await denoise(model, picture(9, 7).view(Watched), controls=NOTHING)
    assert len(threads) == 1
    assert threads != [threading.current_thread()]


async def test_a_picture_that_is_a_view_is_taken(model: Model) -> None:
    noisy = picture(3, 33, 70).transpose(2, 1, 0)
    noisy.flags.writeable = False
    clean = (await denoise(model, noisy, core=CORE)).output
    assert clean.flags.c_contiguous
    copied = (await denoise(model, noisy.copy(), core=CORE)).output
    np.testing.assert_array_equal(clean, copied)


async def test_it_is_told_of_all_pixels_and_of_how_long_they_took(
    model: Model, monkeypatch: pytest.MonkeyPatch
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
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_down(monkeypatch)
    first = asyncio.create_task(denoise(model, picture(9, 9, 3)))
    second = asyncio.create_task(denoise(model, picture(8, 8, 3)))
    waits = sorted([(await first).queue, (await second).queue])
    assert waits[0] < SLOW <= waits[1] + 0.5 * SLOW


async def test_no_more_than_two_tiles_are_in_the_queue(model: Model, gate: Gate) -> None:
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


async def test_tiles_of_a_picture_that_is_cancelled_do_not_run(model: Model, gate: Gate) -> None:
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
    model: Model, gate: Gate, monkeypatch: pytest.MonkeyPatch
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
    model: Model, caplog: pytest.LogCaptureFixture
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


async def test_numbers_that_are_not_finite_are_refused(model: Model) -> None:
    noisy = picture(40, 40, 3, dtype="float32")
    noisy[39, 39, 2] = np.nan
    with pytest.raises(InvalidValue, match="expected finite numbers, received NaN or inf"):
        await denoise(model, noisy, core=CORE)


@pytest.mark.parametrize(
    ("shape", "dtype", "told", "fault"),
    [
        ((4,), "uint8", {}, "picture: expected .height, width, 3. or .height, width., received"),
        ((4, 4, 4), "uint8", {}, r"picture: expected .* received \(4, 4, 4\)"),
        ((4, 4, 1), "uint8", {}, r"picture: expected .* received \(4, 4, 1\)"),
        ((1, 4, 4, 3), "uint8", {}, r"picture: expected .* received \(1, 4, 4, 3\)"),
        ((0, 4, 3), "uint8", {}, r"picture: expected at least one pixel, received \(0, 4, 3\)"),
        ((4, 4), "int16", {}, "picture: expected uint8, uint16 or float32, received int16"),
        ((4, 4), "float64", {}, "picture: expected uint8, .* received float64"),
        ((4, 4), "uint8", {"sigma": 101.0}, "sigma: expected .* 0 to 100, received 101"),
        ((4, 4), "uint8", {"sigma": 101.0, "controls": NOTHING}, "sigma: expected .* received 101"),
    ],
)
async def test_what_is_no_picture_is_refused(
    model: Model, shape: tuple[int, ...], dtype: str, told: dict[str, Any], fault: str
) -> None:
    with pytest.raises((ShapeMismatch, InvalidValue), match=fault):
        await denoise(model, np.zeros(shape, dtype), **told)


async def test_a_model_of_thumbnails_denoises_no_photograph(tmp_path: Path) -> None:
    with pytest.raises(ShapeMismatch, match=r"photographs of any size, received half"):
        await denoise(load(write_model(tmp_path, "half")), picture(4, 4))
    with pytest.raises(OperationNotOffered):
        await denoise(load(write_model(tmp_path, "mirror")), picture(4, 4))


def test_without_an_event_loop_it_does_the_same_as_often_as_wanted(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_down(monkeypatch)
    noisy = picture(40, 33, 3, dtype="float32")
    not_finite = noisy.copy()
    not_finite[39, 32] = np.nan  # in the last tile, while another runs
    done: list[int] = []
    clean = (
        model.photographs()
        .denoise_now(noisy, sigma=40, controls=Controls(strength=0.7), core=CORE, done=done.append)
        .output
    )
    assert sum(done) == 40 * 33
    with pytest.raises(InvalidValue, match="finite"):
        model.photographs().denoise_now(not_finite, core=CORE)
    assert not model.batchers["denoise"].busy_for()
    again = (
        model.photographs()
        .denoise_now(noisy, sigma=40, controls=Controls(strength=0.7), core=CORE)
        .output
    )
    np.testing.assert_array_equal(again, clean)
    whole = noisy + np.float32(0.7) * (at_once(model, noisy, 40) - noisy)
    np.testing.assert_allclose(clean, whole, atol=1e-6)


def test_no_more_than_a_few_tiles_are_there_as_floats(model: Model) -> None:
    noisy = picture(2000, 2000, 3)
    core = 128
    model.photographs().denoise_now(noisy[:200], core=core)
    tracemalloc.start()
    try:
        model.photographs().denoise_now(noisy, core=core)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    tile = 4 * 3 * (core + 16) ** 2
    assert peak < noisy.nbytes + 10 * tile < 1.3 * noisy.nbytes
