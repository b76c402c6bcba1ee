"""Operations with bodies and answers in JSON."""

import tracemalloc

import httpx
import numpy as np
import pytest

from tests.service.tiny import Start

IMAGE = (np.arange(16, dtype=np.float32) / 16).reshape(1, 4, 4)


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


async def test_encode_then_decode_gives_the_images_back(client: httpx.AsyncClient) -> None:
    encoded = await client.post("/encode", json={"inputs": IMAGE.tolist()})
    assert encoded.status_code == 200
    assert encoded.json()["outputs"] == [IMAGE.ravel().tolist()]
    decoded = await client.post("/decode", json={"inputs": encoded.json()["outputs"]})
    assert decoded.json() == {"model": "mirror", "version": 1, "outputs": IMAGE.tolist()}


async def test_floats_are_written_as_the_shortest_text_that_reads_back(
    client: httpx.AsyncClient,
) -> None:
    inputs = np.full((1, 4, 4), 0.1, np.float32)
    answer = await client.post("/encode", json={"inputs": inputs.tolist()})
    assert '"outputs":[[0.1,0.1,' in answer.text


async def test_json_of_untold_type_is_recognised(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}  # curl --data without -H
    body = b'\n {"inputs": [[[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]]}'
    answer = await client.post("/encode", content=body, headers=headers)
    assert answer.json()["outputs"] == [[1.0] + [0.0] * 15]


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"[[1, 2]]", 422, 'expected {"inputs": [...]}, received [[1,2]]'),
        (b'\xef\xbb\xbf{"inputs": [[1]]}', 400, "expected JSON, received: UTF-8 byte order mark"),
    ],
)
async def test_what_looks_like_json_of_untold_type_is_explained_as_json(
    client: httpx.AsyncClient, body: bytes, status: int, detail: str
) -> None:
    answer = await client.post("/encode", content=body)
    assert answer.status_code == status
    assert detail in answer.json()["detail"]


async def test_whole_numbers_are_numbers(client: httpx.AsyncClient) -> None:
    answer = await client.post("/encode", json={"inputs": [[[1, 0, 0, 0]] * 4]})
    assert answer.json()["outputs"] == [[1.0, 0.0, 0.0, 0.0] * 4]


async def test_a_sequence_of_any_length_is_encoded_and_decoded_to_any_other(
    client: httpx.AsyncClient,
) -> None:
    rows = [[[0.0, 1.0, 2.0, 3.0]] * 7]
    encoded = await client.post("/encode?model=rows", json={"inputs": rows})
    assert encoded.json()["outputs"] == [[0.0, 1.0, 2.0, 3.0]]
    codings = {"inputs": encoded.json()["outputs"]}
    assert (await client.post("/decode?model=rows&steps=7", json=codings)).json()["outputs"] == rows
    shortest = await client.post("/decode?model=rows", json=codings)
    assert np.shape(shortest.json()["outputs"]) == (1, 4, 4)  # the default of its manifest


async def test_the_newest_version_answers_unless_one_is_named(client: httpx.AsyncClient) -> None:
    body = {"inputs": IMAGE.tolist()}
    assert (await client.post("/denoise", json=body)).json()["version"] == 2
    assert (await client.post("/denoise?version=1", json=body)).json()["version"] == 1


async def test_answers_say_which_model_answered_where_and_how_long_it_took(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/encode", json={"inputs": IMAGE.tolist()})
    assert answer.headers["X-Model"] == "mirror"
    assert answer.headers["X-Model-Version"] == "1"
    assert answer.headers["X-Execution-Provider"] == "CPUExecutionProvider"
    stages = [entry.split(";dur=") for entry in answer.headers["Server-Timing"].split(", ")]
    assert [name for name, _ in stages] == ["parse", "queue", "inference", "write"]
    assert all(float(duration) >= 0 for _, duration in stages)


@pytest.mark.parametrize(
    ("body", "status", "code", "detail"),
    [
        ("{", 400, "malformed-body", "expected JSON"),
        ("", 400, "malformed-body", "received nothing"),
        (b'{"inputs": "\xff"}', 400, "malformed-body", "received: bytes that are not UTF-8"),
        ('{"inputs": [1], "inputs": [1]}', 422, "shape-mismatch", "received it twice"),
        ('{"inputs": [[[NaN]]]}', 400, "malformed-body", "expected JSON"),
        ("[]", 422, "invalid-value", "received []"),
        ("{}", 422, "invalid-value", 'expected {"inputs": [...]}, received {}'),
        ('{"inputs": [], "extra": 1}', 422, "invalid-value", 'received the keys "inputs", "extra"'),
        ('{"data": []}', 422, "invalid-value", 'received the key "data"'),
        (
            '{"data": "' + "é" * 500_000 + '"}',
            422,
            "invalid-value",
            'received one that begins with {"data": "éé',
        ),
        ('{"inputs": 1}', 422, "invalid-value", "expected nested lists, received 1"),
        ('{"inputs": null}', 422, "invalid-value", "received null"),
        ('{"inputs": [[1, 2], [3]]}', 422, "shape-mismatch", "inputs[1]"),
        ('{"inputs": [[[1, 2], [3, "4"]]]}', 422, "invalid-value", "inputs[0][1][1]"),
        ('{"inputs": [[true, false]]}', 422, "invalid-value", "inputs[0][0]"),
        ('{"inputs": [[0.5, true]]}', 422, "invalid-value", "inputs[0][1]"),
        ('{"inputs": [[1, null]]}', 422, "invalid-value", "received null"),
        ('{"inputs": [[1, 1e39]]}', 422, "invalid-value", "at most 3.4028235e+38"),
        (
            '{"inputs": [[1, 123456789012345678901234567890123456789012]]}',
            422,
            "invalid-value",
            "inputs[0][1]",
        ),
        ('{"inputs": []}', 422, "invalid-value", "inputs: expected at least one, received none"),
        (
            '{"inputs": [' + " " * 500_000 + "]}",
            422,
            "invalid-value",
            "at least one, received none",
        ),
        ('{"inputs": [[1, 2]]}', 422, "shape-mismatch", "expected (batch, 4, 4), received (1, 2)"),
        ('{"inputs": ' + "[" * 999 + "]" * 999 + "}", 422, "shape-mismatch", "at most 32 levels"),
    ],
)
async def test_a_body_that_is_no_batch_of_images_is_explained(
    client: httpx.AsyncClient, body: str | bytes, status: int, code: str, detail: str
) -> None:
    answer = await client.post(
        "/encode", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize("padding", [0, 12_000, 700_000], ids=["short", "longer", "in pieces"])
@pytest.mark.parametrize("key", ["images", "Inputs", "input", "inputs ", "tokens", "", "instances"])
async def test_a_wrong_key_of_any_length_is_named(
    client: httpx.AsyncClient, key: str, padding: int
) -> None:
    body = f'{{"{key}":{" " * padding}[[[0, 1], [1, 0]]]}}'
    answer = await client.post(
        "/encode", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")
    assert f'"{key}"' in answer.json()["detail"]


async def test_text_among_the_numbers_costs_no_more_memory_than_it_has_letters(
    client: httpx.AsyncClient,
) -> None:
    # As an array of text, all of it as wide as the longest, this would take 4 GB.
    texts = ["x" * 100_000] + [""] * 10_000
    tracemalloc.start()
    answer = await client.post("/encode", json={"inputs": texts})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 422
    assert peak < 20_000_000


async def test_a_small_body_cannot_ask_for_a_huge_answer(start: Start) -> None:
    client = start(max_output_bytes=4 * 4 * 100)  # 100 rows of 4
    codings = {"inputs": [[0.0] * 4] * 2}
    fits = await client.post("/decode?model=rows&steps=50", json=codings)
    assert fits.status_code == 200
    answer = await client.post("/decode?model=rows&steps=51", json=codings)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert "received a request for 1632, of shape (2, 51, 4)" in answer.json()["detail"]


async def test_steps_are_refused_where_they_mean_nothing_or_too_much(
    client: httpx.AsyncClient,
) -> None:
    fixed = await client.post("/decode?steps=7", json={"inputs": [[0.0] * 16]})
    assert fixed.status_code == 422
    assert "steps: expected none" in fixed.json()["detail"]
    long = await client.post("/decode?model=rows&steps=4097", json={"inputs": [[0.0] * 4]})
    assert long.status_code == 422
    assert "at most 4096, received 4097" in long.json()["detail"]
