"""The mean over flips and turns of a photograph."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.errors import InvalidValue
from service.inference.estimates import Throughput
from service.inference.loader import load
from service.inference.model import LoadedModel
from service.inference.ticket import Ticket
from service.inference.tiling.canvas import Picture
from service.inference.tiling.controls import EFFORTS, Controls
from service.inference.tiling.ensemble import turned, turned_back
from tests.service.running import ROOT
from tests.service.tile_runs import record_shapes
from tests.service.tiny import Start, write_model

RANDOM = np.random.default_rng(0)


@pytest.fixture(params=["tiny", "shipped"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> LoadedModel:
    if request.param == "shipped":
        return load(ROOT / "models" / "photo" / "1")
    return load(write_model(tmp_path, "photo", name="symmetric"))


def denoised(model: LoadedModel, noisy: Picture, effort: int, core: int = 512) -> Picture:
    chosen = Controls(effort=effort)
    return model.photographs().denoise_now(noisy, sigma=10, controls=chosen, core=core).output


def test_ways_are_all_orientations_and_back() -> None:
    tile = RANDOM.random((1, 5, 7, 3), np.float32)
    seen = {turned(tile, way).tobytes() for way in range(8)}
    assert len(seen) == 8
    for way in range(8):
        there = turned(tile, way)
        assert there.shape[1:3] == ((7, 5) if way & 4 else (5, 7))
        np.testing.assert_array_equal(turned_back(there, way), tile)
    np.testing.assert_array_equal(turned(tile, 0), tile)
    np.testing.assert_array_equal(turned(tile, 1), tile[:, :, ::-1])
    np.testing.assert_array_equal(turned(tile, 2), tile[:, ::-1])
    np.testing.assert_array_equal(turned(tile, 4), tile.swapaxes(1, 2))


@pytest.mark.parametrize("effort", EFFORTS)
def test_it_is_the_mean_over_orientations_of_the_whole(model: LoadedModel, effort: int) -> None:
    noisy = RANDOM.random((40, 72, 3), np.float32)
    found = denoised(model, noisy, effort)
    batch = noisy[None]
    ran = [
        turned_back(model.infer("denoise", turned(batch, way).copy(), sigma=10), way)
        for way in range(effort)
    ]
    np.testing.assert_allclose(found, np.mean(ran, axis=0)[0], atol=1e-5)
    if effort > 1 and model.name != "symmetric":
        assert np.abs(found - denoised(model, noisy, effort // 2)).max() > 1e-4


@pytest.mark.parametrize("effort", EFFORTS)
def test_tiles_make_the_same_of_it(tmp_path: Path, effort: int) -> None:
    model = load(write_model(tmp_path, "photo"))
    for noisy in (RANDOM.random((67, 41, 3), np.float32), RANDOM.random((33, 90), np.float32)):
        whole, tiles = (denoised(model, noisy, effort, core) for core in (512, 16))
        np.testing.assert_allclose(tiles, whole, atol=1e-6)


def test_each_tile_runs_once_in_each_orientation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(write_model(tmp_path, "photo"))
    shapes, done = record_shapes(monkeypatch), list[int]()
    noisy = RANDOM.integers(0, 256, (30, 200, 3), np.uint8)
    model.photographs().denoise_now(noisy, controls=Controls(effort=8), core=64, done=done.append)
    tiles = model.photographs().tiling.cut(30, 200, core=64)
    high = tiles[0].rows.length, tiles[0].columns.length
    ran = [shape[1:3] for shape in shapes for _ in range(shape[0])]  # two may share a batch
    assert sorted(ran) == sorted([high, high[::-1]] * (4 * len(tiles)))
    assert len(done) == 8 * len(tiles)
    assert sum(done) == 30 * 200


@pytest.mark.parametrize("effort", [0, 3, 16])
def test_another_effort_is_refused(effort: int) -> None:
    with pytest.raises(InvalidValue, match=f"effort: expected 1, 2, 4 or 8, received {effort}"):
        Controls(effort=effort)


async def test_admission_expects_what_it_takes(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Throughput, "seconds", lambda _, numbers: float(numbers))
    admitted: list[tuple[int, float]] = []
    grow = Ticket.grow

    def record(ticket: Ticket, **more: Any) -> None:
        if more.get("pixels"):
            admitted.append((more["pixels"], more["seconds"]))
        grow(ticket, **more)

    monkeypatch.setattr(Ticket, "grow", record)
    client, pixels = start(), np.zeros((64, 200, 3), np.uint8)
    np.save(array := io.BytesIO(), pixels[None])
    Image.fromarray(pixels).save(png := io.BytesIO(), "PNG")
    for body in (array.getvalue(), png.getvalue()):
        for query in ("", "&effort=8", "&effort=2&region=100,9,16,8", "&region=0,0,200,64"):
            answer = await client.post(f"/denoise?model=photo{query}", content=body)
            assert answer.status_code == 200, answer.text
        whole, region = 3 * 64 * 200, 3 * (16 + 32) * (8 + 32)
        expected = [(64 * 200, each) for each in (whole, 8 * whole, 2 * region, whole)]
        assert admitted == expected
        admitted.clear()
