"""Photographs of any size are denoised as if at once, tile by tile."""

import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.errors import InvalidValue, OperationNotOffered, ShapeMismatch
from service.inference.loader import load
from service.inference.model import LoadedModel
from service.inference.pixels import LARGEST, to_floats
from service.inference.tiling import canvas
from service.inference.tiling.canvas import Canvas
from service.inference.tiling.controls import Controls
from service.inference.tiling.layout import Tiling
from tests.service.tile_runs import (
    CORE,
    TILING,
    at_once,
    denoise,
    picture,
    record_shapes,
    slow_down,
)
from tests.service.tiny import TILES, write_model

NOTHING = Controls(strength=0)
"""Removes none of the noise."""


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    return load(write_model(tmp_path, "photo"))


@pytest.mark.parametrize("sigma", [None, 100.0])
@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (1, 7), (7, 1), (8, 8), (1, 33), (31, 9), (32, 32), (33, 31), (67, 33), (40, 129)],
)
async def test_what_tiles_become_is_what_the_whole_becomes(
    model: LoadedModel, height: int, width: int, sigma: float | None
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
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch, bucket: int
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
    model: LoadedModel, shape: tuple[int, ...], dtype: str
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
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch, strip: int
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
    model: LoadedModel, shape: tuple[int, ...]
) -> None:
    gray, pixels = np.zeros(shape, np.uint8), model.manifest.pixels
    assert pixels
    started = time.process_time()
    Canvas(gray, pixels, TILING)
    assert time.process_time() - started < 0.3


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
async def test_strength_says_how_much_of_the_noise_goes(model: LoadedModel, dtype: str) -> None:
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
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes, done = record_shapes(monkeypatch), list[int]()
    result = await denoise(model, picture(9, 7), controls=NOTHING, done=done.append)
    assert (shapes, done, result.queue, result.inference) == ([], [63], 0, 0)


async def test_a_picture_is_copied_beside_the_event_loop(model: LoadedModel) -> None:
    threads: list[threading.Thread] = []

    class Watched(np.ndarray[Any, Any]):
        def copy(self, *arguments: Any) -> Any:
            threads.append(threading.current_thread())
            return super().copy(*arguments)

    await denoise(model, picture(9, 7).view(Watched), controls=NOTHING)
    assert len(threads) == 1
    assert threads != [threading.current_thread()]


async def test_a_picture_that_is_a_view_is_taken(model: LoadedModel) -> None:
    noisy = picture(3, 33, 70).transpose(2, 1, 0)
    noisy.flags.writeable = False
    clean = (await denoise(model, noisy, core=CORE)).output
    assert clean.flags.c_contiguous
    copied = (await denoise(model, noisy.copy(), core=CORE)).output
    np.testing.assert_array_equal(clean, copied)


async def test_numbers_that_are_not_finite_are_refused(model: LoadedModel) -> None:
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
    model: LoadedModel, shape: tuple[int, ...], dtype: str, told: dict[str, Any], fault: str
) -> None:
    with pytest.raises((ShapeMismatch, InvalidValue), match=fault):
        await denoise(model, np.zeros(shape, dtype), **told)


async def test_a_model_of_thumbnails_denoises_no_photograph(tmp_path: Path) -> None:
    with pytest.raises(ShapeMismatch, match=r"photographs of any size, received half"):
        await denoise(load(write_model(tmp_path, "half")), picture(4, 4))
    with pytest.raises(OperationNotOffered):
        await denoise(load(write_model(tmp_path, "mirror")), picture(4, 4))


def test_without_an_event_loop_it_does_the_same_as_often_as_wanted(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
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


def test_no_more_than_a_few_tiles_are_there_as_floats(model: LoadedModel) -> None:
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
