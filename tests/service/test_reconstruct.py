"""POST /reconstruct: encode and decode in one, without a file of its own."""

import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.inference.loader import load
from service.inference.reconstruction import described
from service.manifest import Manifest, Tensor
from tests.service.asgi import check_problem
from tests.service.tiny import Start

IMAGES = np.linspace(0, 1, 32, dtype=np.float32).reshape(2, 4, 4)


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


async def test_a_reconstruction_is_what_decode_gives_of_what_encode_gives(
    client: httpx.AsyncClient,
) -> None:
    for model in ("mirror", "rows"):
        body = {"inputs": IMAGES.tolist()}
        coded = (await client.post(f"/encode?model={model}", json=body)).json()["outputs"]
        decoded = await client.post(f"/decode?model={model}", json={"inputs": coded})
        answer = await client.post(f"/reconstruct?model={model}", json=body)
        assert answer.status_code == 200
        assert answer.json() == decoded.json()


async def test_a_sequence_is_reconstructed_in_its_own_length(client: httpx.AsyncClient) -> None:
    for steps in (1, 7):
        rows = np.arange(steps * 4.0).reshape(1, steps, 4)
        answer = await client.post("/reconstruct?model=rows", json={"inputs": rows.tolist()})
        assert answer.json()["outputs"] == [[rows[0].mean(axis=0).tolist()] * steps]


async def test_pictures_come_back_as_pictures_and_arrays_of_pixels_as_pixels(
    client: httpx.AsyncClient,
) -> None:
    pixels = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    stream = io.BytesIO()
    Image.fromarray(pixels[0]).save(stream, "PNG")
    answer = await client.post("/reconstruct", content=stream.getvalue())
    assert answer.headers["content-type"] == "image/png"
    assert (np.asarray(Image.open(io.BytesIO(answer.content))) == pixels[0]).all()
    stream = io.BytesIO()
    np.save(stream, pixels)
    answer = await client.post("/reconstruct", content=stream.getvalue())
    assert (np.load(io.BytesIO(answer.content)) == pixels).all()


async def test_pictures_are_fitted_where_the_request_says_so(client: httpx.AsyncClient) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (12, 12), "white").save(stream, "PNG")
    refused = await client.post("/reconstruct", content=stream.getvalue())
    check_problem(refused, 422, "shape-mismatch")
    answer = await client.post("/reconstruct?fit=true", content=stream.getvalue())
    assert (np.asarray(Image.open(io.BytesIO(answer.content))) == 255).all()


async def test_a_model_that_does_not_decode_reconstructs_nothing(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/reconstruct?model=colours", json={"inputs": [[[[0.0] * 3]]]})
    detail = check_problem(answer, 409, "operation-not-offered")
    expected = "expected one that offers reconstruct (half, mirror, rows)"
    assert detail == f"model: {expected}, received colours"
    listed = {each["name"]: each for each in (await client.get("/models")).json()["models"]}
    assert listed["mirror"]["operations"] == ["encode", "decode", "reconstruct"]
    assert "reconstruct" not in listed["mirror"]["manifest"]["operations"]
    assert "reconstruct" not in listed["photo"]["operations"]


async def test_the_open_inference_protocol_has_reconstructions_as_a_model(
    client: httpx.AsyncClient,
) -> None:
    told = (await client.get("/v2/models/rows.reconstruct")).json()
    assert told["inputs"] == [{"name": "images", "datatype": "FP32", "shape": [-1, -1, 4]}]
    assert told["outputs"][0]["shape"] == [-1, -1, 4]
    tensor = {"name": "images", "shape": [1, 4, 4], "datatype": "FP32"}
    body = {"inputs": [tensor | {"data": IMAGES[0].ravel().tolist()}]}
    answer = await client.post("/v2/models/mirror.reconstruct/infer", json=body)
    (output,) = answer.json()["outputs"]
    assert np.array_equal(np.float32(output["data"]).reshape(4, 4), IMAGES[0])


async def test_scores_and_maps_are_further_outputs_of_the_protocol(
    client: httpx.AsyncClient,
) -> None:
    told = (await client.get("/v2/models/rows.reconstruct")).json()["outputs"]
    assert [(each["name"], each["shape"]) for each in told[1:]] == [
        ("scores", [-1]),
        ("maps", [-1, -1, 4]),
    ]
    rows = [[0.0] * 4, [2.0] * 4, [4.0] * 4]
    tensor = {
        "name": "images",
        "shape": [1, 3, 4],
        "datatype": "FP32",
        "data": np.ravel(rows).tolist(),
    }
    body: dict[str, Any] = {"inputs": [tensor], "outputs": [{"name": "maps"}, {"name": "scores"}]}
    path = "/v2/models/rows.reconstruct/infer"
    maps, scores = (await client.post(path, json=body)).json()["outputs"]
    assert (maps["name"], maps["shape"]) == ("maps", [1, 3, 4])
    assert maps["data"] == [4.0] * 4 + [0.0] * 4 + [4.0] * 4
    assert (scores["shape"], scores["data"]) == ([1], [pytest.approx(8 / 3)])
    body["outputs"] = [
        {"name": "scores", "parameters": {"binary_data": True}},
        {"name": "reconstructions"},
    ]
    answer = await client.post(path, json=body)
    size = int(answer.headers["Inference-Header-Content-Length"])
    scores, again = json.loads(answer.content[:size])["outputs"]
    assert scores["parameters"] == {"binary_data_size": 4}
    assert np.frombuffer(answer.content[size:], np.float32) == pytest.approx([8 / 3])
    assert again["data"] == [2.0] * 12
    body["outputs"] = [{"name": "z_scores"}]
    refused = (await client.post(path, json=body)).json()["error"]
    assert refused == ("outputs: expected some of reconstructions, scores, maps, received z_scores")


async def test_what_a_reconstruction_consists_of_takes_it_along_when_it_is_unloaded(
    start: Start,
) -> None:
    client = start()
    body = {"inputs": IMAGES.tolist()}
    for unloaded, others in (("reconstruct", {"encode", "decode"}), ("decode", {"encode"})):
        await client.post(f"/v2/repository/models/mirror.{unloaded}/unload", json={})
        (listed,) = (await client.get("/models/mirror")).json()["models"]
        assert set(listed["operations"]) == others
        answer = await client.post("/reconstruct?model=mirror", json=body)
        check_problem(answer, 409, "operation-not-offered")
        await client.post(f"/v2/repository/models/mirror.{unloaded}/load", json={})
        answer = await client.post("/reconstruct?model=mirror", json=body)
        assert answer.status_code == 200


def test_graphs_that_do_not_fit_each_other_make_no_reconstruction(tiny_models: Path) -> None:
    manifest = Manifest.read(tiny_models / "rows" / "1")
    encode, decode = manifest.operations["encode"], manifest.operations["decode"]

    def is_offered(**tensors: Tensor) -> bool:
        changed = {"encode": encode, "decode": decode.model_copy(update=tensors)}
        return described(manifest.model_copy(update={"operations": changed})) is not None

    assert is_offered()
    wide = decode.output.model_copy(update={"shape": ("batch", "steps", 5)})
    flat = decode.output.model_copy(update={"shape": ("batch", 4)})
    long = decode.input.model_copy(update={"shape": ("batch", 5)})
    assert not any((is_offered(output=wide), is_offered(output=flat), is_offered(input=long)))


def test_a_model_reconstructs_past_its_queue(tiny_models: Path) -> None:
    model = load(tiny_models / "mirror" / "1")
    assert np.array_equal(model.infer("reconstruct", IMAGES), IMAGES)
