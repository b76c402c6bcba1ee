"""The Open Inference Protocol: what is served, and inference in JSON."""

import asyncio

import httpx
import numpy as np
import pytest

from service import __version__
from service.inference.batcher import Batcher
from tests.service.gate import Gate
from tests.service.open_inference_requests import DENOISE, IMAGE, images
from tests.service.tiny import Start


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


async def test_the_server_names_itself_and_its_extensions(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v2")).json() == {
        "name": "autoencoder-service",
        "version": __version__,
        "extensions": ["binary_tensor_data", "model_configuration", "model_repository"],
    }


async def test_the_server_is_live_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v2/health/live")).json() == {"live": True}
    assert (await client.get("/v2/health/ready")).json() == {"ready": True}


async def test_a_server_whose_batch_has_hung_is_not_live(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Batcher, "busy_for", lambda _: 61.0)
    answer = await client.get("/v2/health/live")
    assert answer.status_code == 503
    assert "received none for 61 s" in answer.json()["error"]


async def test_each_operation_of_a_model_is_a_model(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v2/models/half.denoise")).json() == {
        "name": "half.denoise",
        "versions": ["1", "2"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": "images", "datatype": "FP32", "shape": [-1, 4, 4]}],
        "outputs": [{"name": "reconstructions", "datatype": "FP32", "shape": [-1, 4, 4]}],
    }
    for path in ("/v2/models/half.denoise", "/v2/models/half.denoise/versions/1"):
        answer = await client.get(f"{path}/ready")
        assert answer.json() == {"name": "half.denoise", "ready": True}


async def test_the_number_of_steps_is_an_input_of_its_own(client: httpx.AsyncClient) -> None:
    described = (await client.get("/v2/models/rows.decode/versions/1")).json()
    assert described["inputs"] == [
        {"name": "codings", "datatype": "FP32", "shape": [-1, 4]},
        {"name": "steps", "datatype": "INT64", "shape": [1]},
    ]
    assert described["outputs"][0]["shape"] == [-1, -1, 4]


async def test_the_configuration_has_the_batch_that_is_set(start: Start) -> None:
    client = start(max_batch=7)
    assert (await client.get("/v2/models/half.denoise/config")).json() == {
        "name": "half.denoise",
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "max_batch_size": 7,
        "input": [{"name": "images", "data_type": "TYPE_FP32", "dims": [4, 4]}],
        "output": [{"name": "reconstructions", "data_type": "TYPE_FP32", "dims": [4, 4]}],
        "dynamic_batching": {},
    }


async def test_a_configuration_with_an_input_outside_the_batch_has_none(
    client: httpx.AsyncClient,
) -> None:
    config = (await client.get("/v2/models/rows.decode/config")).json()
    assert config["max_batch_size"] == 0
    assert config["input"] == [
        {"name": "codings", "data_type": "TYPE_FP32", "dims": [-1, 4]},
        {
            "name": "steps",
            "data_type": "TYPE_INT64",
            "dims": [1],
            "reshape": {"shape": []},
            "optional": True,
        },
    ]
    assert "dynamic_batching" not in config


async def test_images_are_denoised_and_the_id_comes_back(client: httpx.AsyncClient) -> None:
    answer = await client.post(DENOISE, json={"id": "42", "inputs": [images()]})
    assert answer.json() == {
        "model_name": "half.denoise",
        "model_version": "2",
        "id": "42",
        "outputs": [
            {
                "name": "reconstructions",
                "datatype": "FP32",
                "shape": [1, 4, 4],
                "data": (IMAGE / 2).ravel().tolist(),
            }
        ],
    }


async def test_a_version_that_is_named_answers(client: httpx.AsyncClient) -> None:
    path = "/v2/models/half.denoise/versions/1/infer"
    answer = (await client.post(path, json={"inputs": [images()]})).json()
    assert answer["model_version"] == "1"
    assert "id" not in answer


async def test_answers_say_which_model_answered_where_and_how_long_it_took(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(
        DENOISE, json={"inputs": [images()]}, headers={"X-Request-Id": "abc"}
    )
    assert answer.headers["X-Request-Id"] == "abc"
    assert (answer.headers["X-Model"], answer.headers["X-Model-Version"]) == ("half", "2")
    assert answer.headers["X-Execution-Provider"] == "CPUExecutionProvider"
    stages = [each.split(";dur=")[0] for each in answer.headers["Server-Timing"].split(", ")]
    assert stages == ["parse", "queue", "inference", "write"]


async def test_numbers_may_be_nested_and_whole(client: httpx.AsyncClient) -> None:
    body = {"inputs": [images(data=[[[1, 0.5, 0, 0]] * 4])]}
    answer = (await client.post(DENOISE, json=body)).json()
    assert answer["outputs"][0]["data"] == [0.5, 0.25, 0.0, 0.0] * 4


async def test_floats_are_written_as_the_shortest_text_that_reads_back(
    client: httpx.AsyncClient,
) -> None:
    body = {"inputs": [images(np.full((1, 4, 4), 0.2, np.float32))]}
    assert '"data":[0.1,0.1,' in (await client.post(DENOISE, json=body)).text


async def test_null_is_as_good_as_nothing_where_something_may_be_left_out(
    client: httpx.AsyncClient,
) -> None:
    tensor = images(parameters=None)
    body = {"id": None, "inputs": [tensor], "outputs": None, "parameters": None}
    answer = await client.post(DENOISE, json=body)
    assert answer.status_code == 200
    assert "id" not in answer.json()


async def test_the_one_output_may_be_asked_for_by_its_name(client: httpx.AsyncClient) -> None:
    for outputs in ([], [{"name": "reconstructions"}]):
        answer = await client.post(DENOISE, json={"inputs": [images()], "outputs": outputs})
        assert answer.json()["outputs"][0]["name"] == "reconstructions"


async def test_pixels_become_the_models_numbers(client: httpx.AsyncClient) -> None:
    tensor = images([[[255, 51, 0, 0]] * 4], datatype="UINT8")
    answer = (await client.post(DENOISE, json={"inputs": [tensor]})).json()
    (output,) = answer["outputs"]
    assert output["datatype"] == "FP32"  # whatever the input was
    assert output["data"] == [0.5, 0.1, 0.0, 0.0] * 4


@pytest.mark.parametrize("shape", [[], [1]])
async def test_a_sequence_is_decoded_to_as_many_steps_as_are_asked_for(
    client: httpx.AsyncClient, shape: list[int]
) -> None:
    codings = {"name": "codings", "shape": [2, 4], "datatype": "FP32", "data": [1, 2, 3, 4] * 2}
    steps = {"name": "steps", "shape": shape, "datatype": "INT64", "data": [3]}
    path = "/v2/models/rows.decode/infer"
    asked = (await client.post(path, json={"inputs": [steps, codings]})).json()["outputs"][0]
    assert asked["shape"] == [2, 3, 4]
    assert asked["data"] == [1.0, 2.0, 3.0, 4.0] * 6
    default = (await client.post(path, json={"inputs": [codings]})).json()["outputs"][0]
    assert default["shape"] == [2, 4, 4]


async def test_a_large_answer_is_written_in_pieces_without_a_seam(
    client: httpx.AsyncClient,
) -> None:
    numbers = np.arange(3 * 200 * 150 * 3, dtype=np.float32)
    tensor = images(numbers.reshape(3, 200, 150, 3))
    answer = await client.post("/v2/models/colours.denoise/infer", json={"inputs": [tensor]})
    (output,) = answer.json()["outputs"]
    assert output["shape"] == [3, 200, 150, 3]
    np.testing.assert_array_equal(np.array(output["data"], np.float32), numbers / 2)


async def test_requests_of_both_protocols_share_a_batch(start: Start, gate: Gate) -> None:
    client = start()
    gate.close()
    body, nested = {"inputs": [images()]}, {"inputs": IMAGE.tolist()}
    running = [asyncio.create_task(client.post(DENOISE, json=body))]
    await gate.reached()
    running += [
        asyncio.create_task(client.post("/denoise", json=nested)),
        asyncio.create_task(client.post(DENOISE, json=body)),
    ]
    await until_waiting(client, 2)
    gate.open()
    assert [(await each).status_code for each in running] == [200, 200, 200]
    metrics = (await client.get("/metrics")).text
    assert 'batch_requests_sum{model="half",operation="denoise"} 3.0' in metrics
    assert 'batch_requests_count{model="half",operation="denoise"} 2.0' in metrics


async def until_waiting(client: httpx.AsyncClient, count: int) -> None:
    line = f'queue_requests{{model="half",operation="denoise"}} {count:.1f}'
    async with asyncio.timeout(30):
        while line not in (await client.get("/metrics")).text:
            pass


async def test_openapi_shows_the_protocol(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    shown = {path for path in paths if path.startswith("/v2")}
    assert {
        "/v2",
        "/v2/health/ready",
        "/v2/models/{model}",
        "/v2/models/{model}/versions/{version}/config",
        "/v2/models/{model}/infer",
        "/v2/repository/index",
        "/v2/repository/models/{model}/unload",
    } <= shown
    infer = paths["/v2/models/{model}/infer"]["post"]
    kinds = {"application/json", "application/octet-stream"}
    assert set(infer["requestBody"]["content"]) == kinds
    assert set(infer["responses"]["200"]["content"]) == kinds
    assert {each["tags"][0] for path in shown for each in paths[path].values()} == {
        "open inference"
    }
