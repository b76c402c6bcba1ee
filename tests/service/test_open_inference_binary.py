"""The Open Inference Protocol's binary tensors, in both directions."""

import asyncio
import gzip
import json
import zlib
from typing import Any

import httpx
import numpy as np
import pytest

from service.api.open_inference import request
from tests.service.gate import Gate
from tests.service.tiny import Start

IMAGES = np.random.default_rng(1).random((3, 4, 4), np.float32)
DENOISE = "/v2/models/half.denoise/infer"
LENGTH = "Inference-Header-Content-Length"


def message(document: Any, *parts: bytes) -> tuple[bytes, dict[str, str]]:
    """A body of JSON and bytes, and the header that says where they meet."""
    head = json.dumps(document).encode()
    return head + b"".join(parts), {LENGTH: str(len(head))}


def tensor(array: np.ndarray[Any, Any], datatype: str = "FP32", **more: Any) -> dict[str, Any]:
    return {
        "name": "images",
        "shape": list(array.shape),
        "datatype": datatype,
        "parameters": {"binary_data_size": array.nbytes},
    } | more


def read(answer: httpx.Response) -> tuple[dict[str, Any], np.ndarray[Any, Any]]:
    """The document of an answer, and its only output, which came as bytes."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers[LENGTH])
    document = json.loads(answer.content[:length])
    (output,) = document["outputs"]
    data = answer.content[length:]
    assert output["parameters"] == {"binary_data_size": len(data)}
    assert "data" not in output
    return document, np.frombuffer(data, np.float32).reshape(output["shape"])


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


@pytest.mark.parametrize("padding", range(4))
async def test_bytes_go_in_and_come_out_wherever_the_json_ends(
    client: httpx.AsyncClient, padding: int
) -> None:
    document = {
        "id": "x" * padding,
        "inputs": [tensor(IMAGES)],
        "outputs": [{"name": "reconstructions", "parameters": {"binary_data": True}}],
    }
    body, headers = message(document, IMAGES.tobytes())
    answered, output = read(await client.post(DENOISE, content=body, headers=headers))
    assert answered["id"] == "x" * padding
    np.testing.assert_array_equal(output, IMAGES / 2)


async def test_bytes_go_in_and_json_comes_out(client: httpx.AsyncClient) -> None:
    body, headers = message({"inputs": [tensor(IMAGES)]}, IMAGES.tobytes())
    answer = await client.post(DENOISE, content=body, headers=headers)
    assert LENGTH not in answer.headers
    assert answer.json()["outputs"][0]["data"] == [float(str(x)) for x in (IMAGES / 2).ravel()]


async def test_json_goes_in_and_bytes_come_out(client: httpx.AsyncClient) -> None:
    given = tensor(IMAGES, data=IMAGES.ravel().tolist(), parameters={})
    document = {"inputs": [given], "parameters": {"binary_data_output": True}}
    _, output = read(await client.post(DENOISE, json=document))
    np.testing.assert_array_equal(output, IMAGES / 2)


@pytest.mark.parametrize(("wanted", "is_binary"), [({}, True), ({"binary_data": False}, False)])
async def test_what_an_output_says_counts_before_what_the_request_says(
    client: httpx.AsyncClient, wanted: dict[str, bool], is_binary: bool
) -> None:
    document = {
        "inputs": [tensor(IMAGES)],
        "outputs": [{"name": "reconstructions", "parameters": wanted}],
        "parameters": {"binary_data_output": True},
    }
    body, headers = message(document, IMAGES.tobytes())
    answer = await client.post(DENOISE, content=body, headers=headers)
    assert (LENGTH in answer.headers) == is_binary


async def test_a_body_may_be_the_bytes_of_the_input_and_nothing_else(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(DENOISE, content=IMAGES.tobytes(), headers={LENGTH: "0"})
    document, output = read(answer)
    assert document["model_name"] == "half.denoise"
    np.testing.assert_array_equal(output, IMAGES / 2)


async def test_bytes_alone_are_one_item_where_another_size_is_free(
    client: httpx.AsyncClient,
) -> None:
    rows = np.arange(28, dtype=np.float32).reshape(1, 7, 4)
    path = "/v2/models/rows.encode/infer"
    _, output = read(await client.post(path, content=rows.tobytes(), headers={LENGTH: "0"}))
    np.testing.assert_array_equal(output, rows.mean(axis=1))


@pytest.mark.parametrize(
    ("model", "size", "status", "expected"),
    [
        ("half.denoise", 63, 400, "a multiple of 64 bytes for images (batch, 4, 4), received 63"),
        ("half.denoise", 0, 400, "a multiple of 64 bytes"),
        ("colours.denoise", 12, 422, "do not tell the shape (batch, height, width, 3) of images"),
    ],
)
async def test_bytes_that_do_not_tell_the_shape_are_refused(
    client: httpx.AsyncClient, model: str, size: int, status: int, expected: str
) -> None:
    path = f"/v2/models/{model}/infer"
    answer = await client.post(path, content=bytes(size), headers={LENGTH: "0"})
    assert answer.status_code == status
    assert expected in answer.json()["error"]


async def test_pixels_are_bytes_too(client: httpx.AsyncClient) -> None:
    pixels = np.full((1, 4, 4), 51, np.uint8)
    document = {"inputs": [tensor(pixels, "UINT8")], "parameters": {"binary_data_output": True}}
    body, headers = message(document, pixels.tobytes())
    _, output = read(await client.post(DENOISE, content=body, headers=headers))
    np.testing.assert_array_equal(output, np.full((1, 4, 4), 0.1, np.float32))


async def test_each_input_has_its_bytes_in_the_order_of_the_inputs(
    client: httpx.AsyncClient,
) -> None:
    codings, steps = np.ones((1, 4), np.float32), np.array([2], np.int64)
    inputs = [tensor(steps, "INT64", name="steps"), tensor(codings, name="codings")]
    document = {"inputs": inputs, "parameters": {"binary_data_output": True}}
    body, headers = message(document, steps.tobytes(), codings.tobytes())
    path = "/v2/models/rows.decode/infer"
    _, output = read(await client.post(path, content=body, headers=headers))
    np.testing.assert_array_equal(output, np.ones((1, 2, 4), np.float32))


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_the_length_is_that_of_the_json_before_it_was_compressed(
    client: httpx.AsyncClient, encoding: str, compress: Any
) -> None:
    body, headers = message({"inputs": [tensor(IMAGES)]}, IMAGES.tobytes())
    headers |= {"Content-Encoding": encoding, "Accept-Encoding": encoding}
    answer = await client.post(DENOISE, content=compress(body), headers=headers)
    assert answer.json()["outputs"][0]["shape"] == [3, 4, 4]
    assert "content-encoding" not in answer.headers


async def test_a_large_body_is_read_aside(client: httpx.AsyncClient) -> None:
    many = np.random.default_rng(2).random((20_000, 4, 4), np.float32)
    document = {"inputs": [tensor(many)], "parameters": {"binary_data_output": True}}
    body, headers = message(document, many.tobytes())
    _, output = read(await client.post(DENOISE, content=body, headers=headers))
    np.testing.assert_array_equal(output, many / 2)


@pytest.mark.parametrize(
    ("document", "data", "status", "expected"),
    [
        ({"inputs": [tensor(IMAGES)]}, bytes(191), 400, "at most the 191 bytes that are left"),
        ({"inputs": [tensor(IMAGES)]}, bytes(193), 400, "192 bytes after the JSON"),
        ({"inputs": [tensor(IMAGES, data=[])]}, bytes(192), 422, "received both"),
        (
            {"inputs": [tensor(IMAGES, shape=[2, 4, 4])]},
            bytes(192),
            400,
            "images: expected 128 bytes for FP32 (2, 4, 4), received 192",
        ),
        (
            {"inputs": [tensor(IMAGES, shape=[48])]},
            bytes(192),
            422,
            "images: expected (batch, 4, 4), received (48)",
        ),
        (
            {"inputs": [tensor(IMAGES, shape=[3, 4, 4] + [1] * 99)]},
            bytes(192),
            422,
            "images.shape: expected sizes from 1",
        ),
        (
            {"inputs": [tensor(IMAGES, parameters={"binary_data_size": True})]},
            bytes(192),
            400,
            "binary_data_size: expected at most the 192 bytes",
        ),
        (
            {"inputs": [tensor(IMAGES, parameters={"binary_data_size": -1})]},
            bytes(192),
            400,
            "received -1",
        ),
        (
            {"inputs": [tensor(IMAGES[:1])]},
            np.full(16, np.nan, np.float32).tobytes(),
            422,
            "images: expected finite numbers, received NaN or inf",
        ),
    ],
)
async def test_bytes_that_are_not_as_the_json_says_are_explained(
    client: httpx.AsyncClient, document: Any, data: bytes, status: int, expected: str
) -> None:
    body, headers = message(document, data)
    answer = await client.post(DENOISE, content=body, headers=headers)
    assert answer.status_code == status
    assert expected in answer.json()["error"]


@pytest.mark.parametrize("length", ["x", "-1", "1000", "1.0", "9" * 5000])
async def test_a_length_that_is_none_of_the_body_is_refused(
    client: httpx.AsyncClient, length: str
) -> None:
    answer = await client.post(DENOISE, content=b"{}", headers={LENGTH: length})
    assert answer.status_code == 400
    assert f"at most 2 bytes, received '{length[:40]}'" in answer.json()["error"]


async def test_bytes_without_the_length_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(DENOISE, json={"inputs": [tensor(IMAGES)]})
    assert answer.status_code == 400
    assert f"the 0 bytes that are left after the JSON, which {LENGTH} ends" in answer.text


async def test_much_json_is_refused_and_as_many_bytes_are_not(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "LARGEST_JSON", 600)
    client = start()
    numbers = tensor(IMAGES, data=IMAGES.ravel().tolist(), parameters={})
    answer = await client.post(DENOISE, json={"inputs": [numbers]})
    assert answer.status_code == 413
    assert "as binary data, tensors may be as large as any body" in answer.json()["error"]
    many = np.zeros((64, 4, 4), np.float32)
    body, headers = message({"inputs": [tensor(many)]}, many.tobytes())
    assert (await client.post(DENOISE, content=body, headers=headers)).status_code == 200


@pytest.mark.parametrize("kind", ["pixels", "numbers in JSON", "numbers at odd places", "numbers"])
async def test_arrays_copied_out_of_the_body_are_counted(
    start: Start, gate: Gate, kind: str
) -> None:
    pixels = np.zeros((1, 4, 4), np.uint8)
    floats = pixels.astype(np.float32)
    if kind == "numbers in JSON":
        given = tensor(floats, data=floats.ravel().tolist(), parameters={})
        body, headers = message({"inputs": [given]})
    elif kind == "pixels":
        body, headers = message({"inputs": [tensor(pixels, "UINT8")]}, pixels.tobytes())
    else:
        document = {"id": "", "inputs": [tensor(floats)]}
        wanted = 1 if kind == "numbers at odd places" else 0
        while len(json.dumps(document)) % 4 != wanted:
            document["id"] = f"{document['id']}x"
        body, headers = message(document, floats.tobytes())
    taken = len(body) + floats.nbytes * (1 if kind == "numbers" else 2)  # the outputs too
    for room, status in ((2 * taken, 200), (2 * taken - 1, 429)):
        client = start(max_queue_bytes=room)
        gate.close()
        first = asyncio.create_task(client.post(DENOISE, content=body, headers=headers))
        await gate.reached()
        second = asyncio.create_task(client.post(DENOISE, content=body, headers=headers))
        await asyncio.sleep(0.05)
        gate.open()
        assert ((await first).status_code, (await second).status_code) == (200, status)
