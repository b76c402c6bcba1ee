"""The Open Inference Protocol with a model of photographs of any size."""

import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.service.tiny import COLOURS, TINY, Start, blur, halve, write_model

INFER = "/v2/models/photo.denoise/infer"
PHOTOGRAPHS = np.random.default_rng(0).random((2, 11, 19, 3), np.float32)


def tensor(name: str, array: Any) -> dict[str, Any]:
    array = np.asarray(array, np.float32)
    data = array.ravel().tolist()
    return {"name": name, "shape": list(array.shape), "datatype": "FP32", "data": data}


def output(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["outputs"]
    return np.array(found["data"], np.float32).reshape(found["shape"])


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


async def test_the_level_of_noise_is_an_input_that_may_be_left_out(
    client: httpx.AsyncClient,
) -> None:
    metadata = (await client.get("/v2/models/photo.denoise")).json()
    assert metadata["inputs"] == [
        {"name": "images", "datatype": "FP32", "shape": [-1, -1, -1, 3]},
        {"name": "sigma", "datatype": "FP32", "shape": [-1]},
    ]
    config = (await client.get("/v2/models/photo.denoise/config")).json()
    assert config["input"][1] == {
        "name": "sigma",
        "data_type": "TYPE_FP32",
        "dims": [1],
        "reshape": {"shape": []},
        "optional": True,
    }
    assert "optional" not in config["input"][0]


async def test_photographs_of_any_size_are_denoised_as_by_denoise(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(INFER, json={"inputs": [tensor("images", PHOTOGRAPHS)]})
    stream = io.BytesIO()
    np.save(stream, PHOTOGRAPHS)
    same = await client.post("/denoise?model=photo", content=stream.getvalue())
    np.testing.assert_array_equal(output(answer), np.load(io.BytesIO(same.content)))


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
async def test_each_photograph_has_its_level_of_noise(
    client: httpx.AsyncClient, shape: tuple[int, ...]
) -> None:
    told = tensor("sigma", np.reshape([10.0, -1.0], shape))
    answer = await client.post(INFER, json={"inputs": [tensor("images", PHOTOGRAPHS), told]})
    for index, query in enumerate(("&sigma=10", "")):
        stream = io.BytesIO()
        np.save(stream, PHOTOGRAPHS[index : index + 1])
        alone = await client.post(f"/denoise?model=photo{query}", content=stream.getvalue())
        np.testing.assert_array_equal(output(answer)[index], np.load(io.BytesIO(alone.content))[0])


@pytest.mark.parametrize("sigma", [[10.0], [10.0, 101.0], [10.0, -2.0], [[10.0, 10.0]]])
async def test_other_levels_of_noise_are_refused(
    client: httpx.AsyncClient, sigma: list[Any]
) -> None:
    asked = [tensor("images", PHOTOGRAPHS), tensor("sigma", sigma)]
    answer = await client.post(INFER, json={"inputs": asked})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("sigma: expected")


async def test_what_is_no_photograph_is_refused(start: Start) -> None:
    client = start(max_pixels=400)
    gray = await client.post(INFER, json={"inputs": [tensor("images", PHOTOGRAPHS[..., 0])]})
    assert gray.status_code == 422
    assert "expected (batch, height, width, 3), received (2, 11, 19)" in gray.json()["error"]
    large = await client.post(INFER, json={"inputs": [tensor("images", PHOTOGRAPHS)]})
    assert large.status_code == 413
    assert (
        "400 pixels (each picture as 4096 at least) (SERVICE_MAX_PIXELS), received 8192"
        in large.json()["error"]
    )


async def test_a_model_of_one_size_has_no_level_of_noise(client: httpx.AsyncClient) -> None:
    asked = [tensor("images", np.zeros((1, 4, 4))), tensor("sigma", [5.0])]
    answer = await client.post("/v2/models/half.denoise/infer", json={"inputs": asked})
    assert answer.status_code == 422
    assert "expected a tensor named images, received 'sigma'" in answer.json()["error"]


async def test_pixels_of_photographs_become_the_models_numbers(client: httpx.AsyncClient) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (1, 7, 9, 3), np.uint8)
    data = pixels.ravel().tolist()
    asked = {"name": "images", "shape": list(pixels.shape), "datatype": "UINT8", "data": data}
    answer = await client.post(INFER, json={"inputs": [asked]})
    stream = io.BytesIO()
    np.save(stream, pixels)
    same = await client.post("/denoise?model=photo", content=stream.getvalue())
    expected = np.load(io.BytesIO(same.content)) / np.float32(255)
    np.testing.assert_allclose(output(answer), expected, rtol=1e-6)
    assert answer.json()["outputs"][0]["datatype"] == "FP32"


async def test_other_operations_of_a_model_of_photographs_run_in_no_tiles(
    start: Start, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TINY, "photo", {"denoise": blur(), "encode": halve(COLOURS)})
    write_model(models, "photo", 2)
    client = start(default_encode="photo")
    body = {"inputs": [tensor("images", PHOTOGRAPHS)]}
    found = output(await client.post("/v2/models/photo.encode/infer", json=body))
    np.testing.assert_allclose(found, PHOTOGRAPHS / 2, atol=1e-6)
    answer = await client.post("/encode", json={"inputs": PHOTOGRAPHS.tolist()})
    np.testing.assert_allclose(answer.json()["outputs"], PHOTOGRAPHS / 2, atol=1e-6)
    levels = tensor("sigma", [0, 0])
    denoised = {"inputs": [tensor("images", PHOTOGRAPHS), levels]}
    found = output(await client.post("/v2/models/photo.denoise/infer", json=denoised))
    np.testing.assert_allclose(found, PHOTOGRAPHS, atol=1e-6)
