"""The noise of a photograph is estimated from all over it, told to the denoiser, and shown."""

import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.inference.loader import load
from service.inference.model import Model
from service.inference.tiling.canvas import Picture
from service.inference.tiling.estimate import mosaic
from service.manifest import Mosaic, Pixels
from tests.service.tiny import MOSAIC, Start, write_model

HOW = Pixels(mode="RGB", scale=255.0)
RANDOM = np.random.default_rng(0)
COLOUR = np.full((20, 20, 3), (0.2, 0.3, 0.4), np.float32)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A model with an estimator and a denoiser conditioned on noise, and models of thumbnails."""
    for name in ("informed", "half", "mirror"):
        write_model(tmp_path / "models", name)
    return tmp_path / "models"


@pytest.fixture
def model(models: Path) -> Model:
    return load(models / "informed" / "1")


@pytest.fixture
def client(start: Start) -> httpx.AsyncClient:
    return start(default_picture="informed")


def picture(height: int = 40, width: int = 70) -> Picture:
    """Darker on the left than on the right, so that no crop alone is as bright as the whole."""
    noisy = RANDOM.integers(0, 60, (height, width, 3), np.uint8)
    noisy[:, width // 2 :] += 120
    return noisy


def png(pixels: Picture) -> bytes:
    Image.fromarray(pixels).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def level(pixels: Picture) -> float:
    """What the tiny estimator says of a photograph."""
    return 100 * float(mosaic(pixels, HOW, MOSAIC).mean())


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((3, 5), (8, 8)),  # mirrored up to the stride
        ((9, 15), (8, 8)),  # cut down to it
        ((16, 17), (16, 32)),  # two crops, which overlap
        ((100, 31), (32, 32)),
        ((500, 700), (32, 32)),
    ],
)
def test_a_mosaic_is_of_few_sizes(size: tuple[int, int], shape: tuple[int, int]) -> None:
    assert mosaic(picture(*size), HOW, MOSAIC).shape == (1, *shape, 3)


def test_a_mosaic_has_crops_from_corner_to_corner_on_the_grid_of_jpeg() -> None:
    rows, columns = np.mgrid[:200, :330].astype(np.uint16) * 100
    inputs = mosaic(np.dstack([rows, columns, rows]), HOW, Mosaic(stride=8, crop=64, across=3))
    found = np.rint(inputs[0] * 65535 / 100).astype(int)
    tops, lefts = found[::64, 0, 0], found[0, ::64, 1]
    assert tops.tolist() == [0, 64, 128]
    assert lefts.tolist() == [0, 128, 256]
    assert (found[70, :, 0] == 70).all()
    assert (found[:, 70, 1] == 134).all()


def test_a_gray_or_deep_photograph_is_seen_like_any_other() -> None:
    gray = RANDOM.integers(0, 255, (30, 40), np.uint8)
    expected = mosaic(gray[..., None].repeat(3, -1), HOW, MOSAIC)
    np.testing.assert_array_equal(mosaic(gray, HOW, MOSAIC), expected)
    deep = mosaic(gray.astype(np.uint16) * 257, HOW, MOSAIC)
    assert np.abs(deep - expected).max() < 1e-6
    floats: Picture = gray.astype(np.float32) / 255
    assert np.abs(mosaic(floats, HOW, MOSAIC) - expected).max() < 1e-6


def test_every_tile_is_told_the_estimate(model: Model) -> None:
    noisy = np.full((100, 120, 3), 100, np.uint16)
    noisy[:50] += 20000
    noisy[..., 1] += 500  # gray would stay gray
    result = model.photographs().denoise_now(noisy, core=16)
    (noise,) = result.noise
    assert noise.sigma == pytest.approx(level(noisy), rel=1e-4)
    change = (result.output.astype(float) - noisy) / 65535 * 1000
    for channel, expected in enumerate((noise.sigma, 0.5, 1.0)):
        np.testing.assert_allclose(change[..., channel], expected, atol=0.02)


def test_a_level_that_is_given_replaces_the_estimate_but_not_the_profile(model: Model) -> None:
    result = model.photographs().denoise_now(COLOUR, sigma=33.0)
    assert [noise.sigma for noise in result.noise] == [33.0]
    np.testing.assert_allclose((result.output - COLOUR)[0, 0] * 1000, (33, 0.5, 1), atol=1e-3)


def test_without_its_estimator_a_model_works_blind(model: Model) -> None:
    result = model.without({"estimate"}).photographs().denoise_now(COLOUR)
    assert result.noise == ()
    np.testing.assert_allclose((result.output - COLOUR)[0, 0] * 1000, (-1, -1, -1), atol=1e-3)


async def test_the_response_says_what_level_was_removed(client: httpx.AsyncClient) -> None:
    noisy = picture()
    blind = await client.post("/denoise", content=png(noisy))
    assert blind.status_code == 200, blind.text
    assert float(blind.headers["X-Noise-Sigma"]) == pytest.approx(level(noisy), abs=0.01)
    told = await client.post("/denoise?sigma=12.5", content=png(noisy))
    assert told.headers["X-Noise-Sigma"] == "12.50"
    kept = await client.post("/denoise?strength=0", content=png(noisy))
    assert "X-Noise-Sigma" not in kept.headers
    thumbnail = await client.post(
        "/denoise?model=half", json={"inputs": np.zeros((1, 4, 4)).tolist()}
    )
    assert thumbnail.status_code == 200
    assert "X-Noise-Sigma" not in thumbnail.headers


async def test_each_of_several_photographs_has_its_own_level(client: httpx.AsyncClient) -> None:
    pictures = [picture() // (index + 1) for index in range(3)]
    files = [("file", ("a.png", png(each), "image/png")) for each in pictures]
    response = await client.post("/denoise", files=files)
    levels = [float(each) for each in response.headers["X-Noise-Sigma"].split(",")]
    assert levels == pytest.approx([level(each) for each in pictures], abs=0.01)
    many = np.zeros((65, 8, 8, 3), np.float32)
    response = await client.post("/denoise?model=informed", json={"inputs": many.tolist()})
    assert response.status_code == 200
    assert "X-Noise-Sigma" not in response.headers


def bodies(pixels: Picture) -> dict[str, dict[str, Any]]:
    Image.fromarray(pixels).save(webp := io.BytesIO(), "WEBP", lossless=True)
    np.save(npy := io.BytesIO(), pixels[None])
    as_json = json.dumps({"inputs": (pixels[None] / 255).tolist()})
    return {
        "png": {"content": png(pixels)},
        "webp": {"content": webp.getvalue()},
        "npy": {"content": npy.getvalue()},
        "json": {"content": as_json, "headers": {"Content-Type": "application/json"}},
        "form": {"files": [("file", ("a.png", png(pixels), "image/png"))]},
    }


@pytest.mark.parametrize("kind", ["png", "webp", "npy", "json", "form"])
async def test_noise_is_estimated_on_its_own(client: httpx.AsyncClient, kind: str) -> None:
    noisy = picture()
    response = await client.post("/estimate", **bodies(noisy)[kind])
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Model"] == "informed"
    body = response.json()
    assert (body["model"], body["version"]) == ("informed", 1)
    (noise,) = body["noise"]
    sigma = noise["sigma"]
    assert sigma == pytest.approx(level(noisy), abs=0.01)
    assert (noise["colour"], noise["correlation"]) == (0.5, -0.5)
    tones = [noise[name] for name in ("shadows", "midtones", "highlights")]
    assert tones == pytest.approx([sigma / 2, sigma, sigma * 2], abs=0.002)


@pytest.mark.parametrize(
    ("request_", "status", "text"),
    [
        ({"content": b"nothing"}, 415, "expected one of"),
        ({"content": b""}, 400, "body: expected one of"),
        ({"json": {"inputs": [[1, 2]]}}, 422, "images: expected (batch, height, width, 3)"),
        ({"json": {"inputs": [[[[]]]]}}, 422, "received"),
        ({"content": png(picture()), "headers": {"Accept": "image/png"}}, 406, "application/json"),
        ({"content": png(picture()), "params": {"sigma": "3"}}, 422, "query: expected one of"),
        (
            {"content": png(picture()), "params": {"model": "half"}},
            409,
            "expected one that offers estimate (informed)",
        ),
        ({"content": png(picture()), "params": {"model": "none"}}, 404, "received 'none'"),
    ],
)
async def test_requests_that_cannot_be_estimated(
    client: httpx.AsyncClient, request_: dict[str, Any], status: int, text: str
) -> None:
    response = await client.post("/estimate", **request_)
    assert response.status_code == status, response.text
    assert text in response.json()["detail"]


async def test_a_photograph_beyond_the_limit_is_refused(start: Start) -> None:
    client = start(max_pixels=2000, default_picture="informed")
    for name, request in bodies(picture()).items():
        response = await client.post("/estimate", **request)
        assert response.status_code == 413, (name, response.text)


async def test_numbers_that_are_not_finite_are_refused(client: httpx.AsyncClient) -> None:
    values = np.zeros((1, 20, 20, 3), np.float32)
    values[0, 3, 3, 1] = np.nan
    np.save(body := io.BytesIO(), values)
    for path in ("/estimate", "/denoise?model=informed"):
        response = await client.post(path, content=body.getvalue())
        assert response.status_code == 422, response.text
        assert "finite" in response.json()["detail"]


async def test_estimates_are_served_by_the_open_inference_protocol(
    client: httpx.AsyncClient,
) -> None:
    described = (await client.get("/v2/models/informed.estimate")).json()
    (output,) = described["outputs"]
    assert (output["name"], output["shape"]) == ("noise", [-1, 6])
    noisy = picture()
    tensor = {
        "name": "images",
        "shape": [1, *noisy.shape],
        "datatype": "UINT8",
        "data": noisy.ravel().tolist(),
    }
    response = await client.post("/v2/models/informed.estimate/infer", json={"inputs": [tensor]})
    (output,) = response.json()["outputs"]
    assert output["shape"] == [1, 6]
    assert output["data"] == pytest.approx([level(noisy), 0.5, 0.25, -1, 0, 1], abs=1e-3)
    response = await client.post("/v2/models/informed.denoise/infer", json={"inputs": [tensor]})
    assert float(response.headers["X-Noise-Sigma"]) == pytest.approx(level(noisy), abs=0.01)


async def test_models_say_who_estimates(client: httpx.AsyncClient) -> None:
    models = {each["name"]: each for each in (await client.get("/models")).json()["models"]}
    assert models["informed"]["operations"] == ["denoise", "estimate"]
    assert "estimate" in models["informed"]["default_for_pictures"]
    assert "estimate" not in models["half"]["operations"]
