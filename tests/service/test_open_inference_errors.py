"""Errors under /v2 are the protocol's: {"error"}, with a status that fits."""

import asyncio
import threading
from typing import Any

import httpx
import pytest

from service.api.codecs import json_errors
from service.api.open_inference import tensors
from tests.service.gate import Gate
from tests.service.open_inference_requests import DENOISE, check_error, images
from tests.service.tiny import Start

CODINGS = {"name": "codings", "shape": [1, 4], "datatype": "FP32", "data": [0, 0, 0, 0]}
STEPS = {"name": "steps", "shape": [1], "datatype": "INT64", "data": [1]}


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ("{", 400, "body: expected JSON, received"),
        ("", 400, "body: expected JSON, received"),
        ('{"inputs": [NaN]}', 400, "expected JSON"),
        ('{"inputs": [1e999]}', 400, "expected JSON"),
        ("[]", 422, "body: expected an object, received []"),
        ("{}", 422, "inputs: expected a list of objects, received null"),
        ('{"inputs": [1]}', 422, "inputs: expected a list of objects, received [1]"),
        ('{"inputs": []}', 422, "inputs: expected a tensor named images, received none"),
        ('{"inputs": [{}]}', 422, "inputs: expected a name for each, received null"),
        ('{"id": 1, "inputs": []}', 422, "id: expected text, received 1"),
        ('{"parameters": 1}', 422, "body.parameters: expected an object, received 1"),
        ('{"id": ' + "[" * 300 + "]" * 300 + "}", 422, "id: expected text, received list"),
        ('{"inputs": {}}', 422, "inputs: expected a list of objects, received {}"),
        ('{"outputs": {}, "inputs": []}', 422, "outputs: expected a list of objects, received {}"),
    ],
)
async def test_a_body_that_is_no_request_is_explained(
    client: httpx.AsyncClient, body: str, status: int, expected: str
) -> None:
    assert expected in check_error(await client.post(DENOISE, content=body), status)


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        ({"name": "image"}, "inputs: expected a tensor named images, received 'image'"),
        ({"datatype": None}, "images: expected the datatype FP32 or UINT8, received null"),
        ({"datatype": "FP64"}, 'FP32 or UINT8, received "FP64"'),
        ({"datatype": ["FP32"]}, 'FP32 or UINT8, received ["FP32"]'),
        ({"shape": None}, "images.shape: expected sizes from 1, received null"),
        ({"shape": [1, 4, -4]}, "images.shape: expected sizes from 1, received [1,4,-4]"),
        (
            {"shape": [True, 4, 4]},
            "images.shape: expected sizes from 1, received [true,4,4]",
        ),
        ({"shape": [2, 4, 4]}, "the shape (2, 4, 4), or its 32 numbers in a row, received (16,)"),
        ({"shape": [16]}, "images: expected (batch, 4, 4), received (16)"),
        ({"shape": [0, 4, 4], "data": []}, "images.shape: expected sizes from 1"),
        ({"shape": [1, 4, 2**63]}, "its 36893488147419103232 numbers in a row, received (16,)"),
        ({"data": None}, "images.data: expected a list of numbers, received null"),
        ({"data": 1}, "images.data: expected a list of numbers, received 1"),
        ({"data": []}, "its 16 numbers in a row, received (0,)"),
        ({"data": [[0.5] * 16]}, "the shape (1, 4, 4), or its 16 numbers in a row, received (1, 1"),
        ({"data": [0.5] * 15 + [True]}, "images.data[15]: expected a number, received true"),
        ({"data": [0.5] * 15 + ["1"]}, 'images.data[15]: expected a number, received "1"'),
        ({"data": [0.5] * 15 + [None]}, "images.data[15]: expected a number, received null"),
        ({"data": [0.5] * 15 + [[0.5]]}, "images.data[15]: expected the shape of images.data[0]"),
        ({"data": [[0.5], 0.5]}, "images.data[1]: expected the shape of images.data[0], (1,)"),
        ({"data": [[0.5], {}]}, "images.data[1]: expected a number, received {}"),
        ({"data": [[0.5, 0.5], [0.5]]}, "images.data[1]: expected the shape of images.data[0]"),
        ({"data": [0.5] * 15 + [1e39]}, "images.data[15]: expected at most 3.4028235e+38"),
        ({"data": [0.5] * 15 + [10**40]}, "images.data[15]: expected at most 3.4028235e+38"),
        ({"datatype": "UINT8"}, "images.data: expected whole numbers from 0 to 255, received 0.0"),
        ({"datatype": "UINT8", "data": [0] * 15 + [256]}, "from 0 to 255, received 256"),
        ({"datatype": "UINT8", "data": [0] * 15 + [False]}, "images.data[15]: expected a number"),
        ({"datatype": "UINT8", "data": [[0], [0, 0]]}, "expected the shape of images.data[0]"),
        ({"parameters": []}, "images.parameters: expected an object, received []"),
        ({"parameters": {"shared_memory_region": "x"}}, "expected no shared_memory_region"),
    ],
)
async def test_a_tensor_that_is_not_as_expected_is_explained(
    client: httpx.AsyncClient, tensor: dict[str, Any], expected: str
) -> None:
    answer = await client.post(DENOISE, json={"inputs": [images(**tensor)]})
    assert expected in check_error(answer, 422)


async def test_an_input_that_is_sent_twice_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(DENOISE, json={"inputs": [images(), images()]})
    assert "inputs: expected a tensor named images, received 'images' twice" in check_error(
        answer, 422
    )


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ([{"name": "x"}], "outputs: expected reconstructions alone, received x"),
        ([{"name": "reconstructions"}] * 2, "received reconstructions, reconstructions"),
        ([{}], "outputs: expected a name for each"),
        (["reconstructions"], "outputs: expected a list of objects"),
        ([("classification", 3)], "expected no classification, which is not offered here"),
        ([("shared_memory_region", "x")], "expected no shared_memory_region"),
        ([("binary_data", 1)], "binary_data: expected true or false, received 1"),
    ],
)
async def test_what_cannot_be_given_is_not_promised(
    client: httpx.AsyncClient, outputs: list[Any], expected: str
) -> None:
    wanted = [
        {"name": "reconstructions", "parameters": dict([each])} if isinstance(each, tuple) else each
        for each in outputs
    ]
    answer = await client.post(DENOISE, json={"inputs": [images()], "outputs": wanted})
    assert expected in check_error(answer, 422)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([CODINGS | {"datatype": "UINT8"}], "codings: expected the datatype FP32, received"),
        ([STEPS], "inputs: expected a tensor named codings, received 'steps'"),
        (
            [CODINGS, images()],
            "inputs: expected tensors named codings and steps, received 'images'",
        ),
        ([CODINGS, STEPS | {"data": [0]}], "steps: expected one number from 1, received [0]"),
        ([CODINGS, STEPS | {"shape": [2], "data": [1, 1]}], "received [1,1] of shape (2,)"),
        ([CODINGS, STEPS | {"data": [1.5]}], "expected whole numbers from -9223372036854775808"),
        ([CODINGS, STEPS | {"data": [2**63]}], "received 9223372036854775808"),
        ([CODINGS, STEPS | {"data": [4097]}], "steps: expected at most 4096, received 4097"),
        ([CODINGS, STEPS | {"datatype": "FP32"}], "steps: expected the datatype INT64"),
    ],
)
async def test_a_sequence_that_cannot_be_decoded_is_explained(
    client: httpx.AsyncClient, inputs: list[Any], expected: str
) -> None:
    answer = await client.post("/v2/models/rows.decode/infer", json={"inputs": inputs})
    assert expected in check_error(answer, 422)


@pytest.mark.parametrize("name", ["x.denoise", "half", "half.paint", ".denoise", "a.half.denoise"])
@pytest.mark.parametrize("path", ["", "/ready", "/config", "/infer"])
async def test_an_unknown_model_is_a_404_that_lists_the_known(
    client: httpx.AsyncClient, name: str, path: str
) -> None:
    method = "POST" if path == "/infer" else "GET"
    error = check_error(await client.request(method, f"/v2/models/{name}{path}"), 404)
    assert error == (
        "model: expected one of colours.denoise, half.encode, half.decode, half.denoise, "
        "half.reconstruct, mirror.encode, mirror.decode, mirror.reconstruct, photo.denoise, "
        f"rows.encode, rows.decode, rows.reconstruct, received '{name}'"
        + (", which names no operation" if name in ("half", "half.paint") else "")
    )


@pytest.mark.parametrize("version", ["3", "01", "x"])
async def test_an_unknown_version_is_a_404_that_lists_the_known(
    client: httpx.AsyncClient, version: str
) -> None:
    answer = await client.get(f"/v2/models/half.denoise/versions/{version}")
    expected = f"version: expected one of 1, 2 of half.denoise, received '{version}'"
    assert check_error(answer, 404) == expected


async def test_unknown_paths_and_methods_are_errors_of_the_protocol_too(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/v2/nothing", "/v2/trace/setting", "/v2/systemsharedmemory/status"):
        error = check_error(await client.get(path), 404)
        assert error.startswith("path: expected one of /v2/models/{model}/infer, ")
        assert error.endswith(f", received '{path}'")
    answer = await client.get(DENOISE)
    assert check_error(answer, 405) == "method: expected POST, received GET"
    assert answer.headers["Allow"] == "POST"
    assert "error" not in (await client.get("/v20")).json()


@pytest.mark.parametrize("path", ["stats", "half.denoise/stats", "half.denoise/versions/1/stats"])
async def test_statistics_are_where_the_metrics_are(client: httpx.AsyncClient, path: str) -> None:
    assert "GET /metrics has them" in check_error(await client.get(f"/v2/models/{path}"), 501)


async def test_a_body_that_is_too_large_is_a_413(start: Start) -> None:
    client = start(max_body_bytes=10)
    answer = await client.post(DENOISE, json={"inputs": [images()]})
    assert "expected at most 10 bytes" in check_error(answer, 413)


async def test_a_small_body_cannot_ask_for_a_huge_answer(start: Start) -> None:
    client = start(max_output_bytes=100)
    inputs = [CODINGS, STEPS | {"data": [7]}]
    answer = await client.post("/v2/models/rows.decode/infer", json={"inputs": inputs})
    assert "received a request for 112" in check_error(answer, 413)


async def test_an_encoding_that_is_not_read_is_a_415(client: httpx.AsyncClient) -> None:
    answer = await client.post(DENOISE, content=b"x", headers={"Content-Encoding": "br"})
    assert "Content-Encoding: expected one of gzip, deflate" in check_error(answer, 415)


async def test_a_full_queue_is_a_429_that_says_when_to_come_again(start: Start, gate: Gate) -> None:
    client = start(max_queue_items=1)
    gate.close()
    admitted = asyncio.create_task(client.post(DENOISE, json={"inputs": [images()]}))
    await gate.reached()
    refused = await client.post(DENOISE, json={"inputs": [images()]})
    assert "at most 1 waiting items (SERVICE_MAX_QUEUE_ITEMS)" in check_error(refused, 429)
    assert int(refused.headers["Retry-After"]) >= 1
    gate.open()
    assert (await admitted).status_code == 200


async def test_what_is_wrong_with_numbers_is_found_out_beside_the_event_loop(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def explain(*arguments: Any, **named: Any) -> None:
        threads.append(threading.current_thread())
        json_errors.explain(*arguments, **named)

    monkeypatch.setattr(tensors, "explain", explain)
    for datatype in ("FP32", "UINT8"):
        tensor = images(data=[0] * 15 + ["1"], datatype=datatype)
        answer = await client.post(DENOISE, json={"inputs": [tensor]})
        assert "images.data[15]: expected a number" in check_error(answer, 422)
    assert len(threads) == 2
    assert threading.main_thread() not in threads


async def test_a_request_past_its_deadline_is_a_503(start: Start, gate: Gate) -> None:
    client = start(timeout=0.1)
    gate.close()
    answer = await client.post(DENOISE, json={"inputs": [images()]})
    assert "within 0.1 s" in check_error(answer, 503)


async def test_a_fault_of_the_service_is_a_500_with_no_secret(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("service.inference.session.Session.run", fail)
    monkeypatch.setattr("service.api.open_inference.metadata._inputs", fail)
    for answer in (
        await client.post(DENOISE, json={"inputs": [images()]}),
        await client.get("/v2/models/half.denoise"),
    ):
        assert check_error(answer, 500) == f"the log has it under {answer.headers['X-Request-Id']}"
