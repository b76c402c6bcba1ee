"""POST /neighbours: the items of the index whose codings are nearest, whatever the body."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from tests.service.asgi import check_problem
from tests.service.conftest import client_of
from tests.service.indexed import write_index
from tests.service.tiny import write_model

SHADES = [0.0, 0.2, 0.4, 0.6, 0.8]
ITEMS = [(f"gray/{shade:g}.png", "dark" if shade < 0.5 else "light") for shade in SHADES]
ROWS = [[1.0, 1, 0], [2.0, 0, 1], [8.0, 1, 0]]


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    root = tmp_path_factory.mktemp("indexed")
    for name in ("mirror", "second"):
        folder = write_model(root, "mirror", name=name)
        items = ITEMS if name == "mirror" else [(name, None) for name, _ in ITEMS]
        write_index(folder, np.repeat(SHADES, 16).reshape(5, 16), items)
    colours = np.linspace([0] * 18, [1] * 18, 4)
    write_index(write_model(root, "dim-colours"), colours, [(str(n), None) for n in range(4)])
    write_index(write_model(root, "table"), ROWS, [("a", None), ("b", None), ("c", None)])
    means = [[1, 0], [5, 0], [9, 0]]
    write_index(write_model(root, "series"), means, [(str(n), None) for n in range(3)])
    write_model(root, "half")
    write_model(root, "photo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVICE_PORT", "0")
        client = client_of(root, default_denoise="half", default_picture="photo")
    yield client
    await client.aclose()


def as_npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def as_png(value: int, side: int = 4) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((side, side), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def flat(shade: float) -> list[list[float]]:
    return np.full((4, 4), shade).tolist()


async def found(
    client: httpx.AsyncClient, query: str = "", **request: Any
) -> tuple[list[list[str]], dict[str, Any]]:
    answer = await client.post(f"/neighbours?{query}", **request)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    return document["ids"], document


async def test_each_item_has_its_neighbours_the_nearest_first(client: httpx.AsyncClient) -> None:
    body = {"inputs": [flat(0.25), flat(0.8)]}
    ids, answer = await found(client, "k=2", json=body)
    assert (answer["model"], answer["version"]) == ("mirror", 1)
    assert ids == [["gray/0.2.png", "gray/0.4.png"], ["gray/0.8.png", "gray/0.6.png"]]
    assert answer["labels"] == [["dark", "dark"], ["light", "light"]]
    assert answer["distances"] == [pytest.approx([0.2, 0.6]), pytest.approx([0, 0.8], abs=1e-6)]
    assert "starts" not in answer


async def test_there_are_as_many_as_the_index_has_at_most(client: httpx.AsyncClient) -> None:
    ids, answer = await found(client, json={"inputs": [flat(1)]})
    assert ids == [[name for name, _ in reversed(ITEMS)]]
    ids, _ = await found(client, "k=100&model=second", json={"inputs": [flat(1)]})
    assert [len(each) for each in ids] == [5]
    _, answer = await found(client, "model=second", json={"inputs": [flat(1)]})
    assert answer["labels"] == [[None] * 5]


async def test_arrays_pictures_and_forms_are_searched_alike(client: httpx.AsyncClient) -> None:
    expected = ["gray/0.6.png", "gray/0.8.png"]
    floats = as_npy(np.full((1, 4, 4), 0.65, np.float32))
    pixels = as_npy(np.full((1, 4, 4), 166, np.uint8))
    for content in (floats, pixels, as_png(166)):
        ids, _ = await found(client, "k=2", content=content)
        assert ids == [expected]
    ids, _ = await found(client, "k=2&fit=true", content=as_png(166, side=9))
    assert ids == [expected]
    files = [("file", as_png(166)), ("file", as_png(0))]
    ids, _ = await found(client, files=files, data={"k": "2"})
    assert ids == [expected, ["gray/0.png", "gray/0.2.png"]]
    image = np.full((1, 2, 3, 3), 0.6, np.float32)
    ids, _ = await found(client, "k=1&model=dim-colours", json={"inputs": image.tolist()})
    assert ids == [["2"]]


async def test_codings_are_searched_as_encode_returns_them(client: httpx.AsyncClient) -> None:
    items = as_npy(np.stack([flat(0.1), flat(0.5)]).astype(np.float32))
    encoded = await client.post("/encode", content=items)
    for content in (encoded.content, as_npy(np.load(io.BytesIO(encoded.content)).astype("f8"))):
        ids, answer = await found(client, "of=codings&k=3", content=content)
        assert (ids, answer) == await found(client, "k=3", content=items)
    codings = np.load(io.BytesIO(encoded.content)).tolist()
    ids, _ = await found(client, "of=codings&k=3", json={"inputs": codings})
    assert (ids, answer) == await found(client, "of=items&k=3", content=items)
    image = np.full((1, 2, 3, 3), 0.3, np.float32)  # a coding that is no vector
    ids, _ = await found(client, "of=codings&k=1&model=dim-colours", content=as_npy(image))
    assert ids == [["1"]]


async def test_rows_are_searched_as_json_csv_and_parquet(client: httpx.AsyncClient) -> None:
    rows = [{"size": 2.5, "colour": "green"}, {"size": 7.0, "colour": "red"}]
    expected = [["b", "a"], ["c", "b"]]
    text = io.StringIO()
    writer = csv.DictWriter(text, ["colour", "size", "more"])
    writer.writeheader()
    writer.writerows({**row, "more": 1} for row in rows)
    packed = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), packed)
    bodies: list[dict[str, Any]] = [
        {"json": {"rows": rows}},
        {"json": {"inputs": [[2.5, 0, 1], [7, 1, 0]]}},
        {"content": text.getvalue(), "headers": {"Content-Type": "text/csv"}},
        {
            "content": packed.getvalue(),
            "headers": {"Content-Type": "application/vnd.apache.parquet"},
        },
    ]
    for body in bodies:
        ids, _ = await found(client, "model=table&k=2", **body)
        assert ids == expected


async def test_windows_of_a_series_say_where_they_start(client: httpx.AsyncClient) -> None:
    rows = [{"x": float(x), "y": 0.0} for x in range(8)]
    answer = await client.post("/neighbours?model=series&k=1", json={"rows": rows})
    document = answer.json()
    assert document["ids"] == [["0"], ["0"], ["1"]]  # of means 1, 3 and 5
    assert (document["starts"], document["rows_left_over"]) == ([0, 2, 4], 1)
    assert answer.headers["x-rows-left-over"] == "1"


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("k=0", "k: expected at least 1, received '0'"),
        ("k=101", "k: expected at most 100, received '101'"),
        ("k=x", "k: expected a whole number, received 'x'"),
        ("of=images", "of: expected 'items' or 'codings', received 'images'"),
        ("steps=3", "query: expected one of model, version, fit, k, of, received 'steps'"),
        ("false_alarm_rate=0.1", "query: expected one of"),
    ],
)
async def test_wrong_parameters_are_refused(
    client: httpx.AsyncClient, query: str, detail: str
) -> None:
    answer = await client.post(f"/neighbours?{query}", json={"inputs": [flat(0)]})
    assert check_problem(answer, 422, "invalid-value").startswith(detail)


async def test_a_model_without_an_index_has_no_neighbours(client: httpx.AsyncClient) -> None:
    for name in ("half", "photo"):
        answer = await client.post(f"/neighbours?model={name}", json={"inputs": [flat(0)]})
        detail = check_problem(answer, 409, "operation-not-offered")
        assert detail.startswith("model: expected one that offers neighbours (dim-colours, mirror,")
        assert detail.endswith(f"received {name}")
    answer = await client.post("/neighbours?model=none", json={"inputs": [flat(0)]})
    check_problem(answer, 404, "model-not-found")


async def test_what_is_no_coding_is_refused(client: httpx.AsyncClient) -> None:
    path = "/neighbours?of=codings"
    answer = await client.post(path, content=as_png(0))
    assert check_problem(answer, 415, "unsupported-media-type") == (
        "body: expected codings as application/json or application/x-npy, received image/png"
    )
    answer = await client.post(path, files=[("file", as_png(0))])
    check_problem(answer, 415, "unsupported-media-type")
    answer = await client.post(path, json={"inputs": [flat(0)]})
    detail = check_problem(answer, 422, "shape-mismatch")
    assert detail == "codings: expected (batch, 16), received (1, 4, 4)"
    answer = await client.post(path, content=as_npy(np.zeros((1, 16), np.uint8)))
    detail = check_problem(answer, 422, "invalid-value")
    assert detail == "body: expected codings as floats, received uint8"
    answer = await client.post(path, content=as_npy(np.full((1, 16), np.nan, np.float32)))
    assert "expected finite numbers" in check_problem(answer, 422, "invalid-value")
    answer = await client.post(path, content=as_npy(np.full((1, 16), 3e38, np.float32)))
    assert "so large that" in check_problem(answer, 422, "invalid-value")
    answer = await client.post(f"{path}&model=table", json={"rows": [{"size": 1, "colour": "red"}]})
    check_problem(answer, 422, "invalid-value")
    answer = await client.post(
        f"{path}&model=table", content="size\n1\n", headers={"Content-Type": "text/csv"}
    )
    check_problem(answer, 415, "unsupported-media-type")


async def test_neighbours_come_as_json_alone(client: httpx.AsyncClient) -> None:
    for accept in ("application/x-npy", "image/png"):
        answer = await client.post("/neighbours", content=as_png(0), headers={"Accept": accept})
        check_problem(answer, 406, "not-acceptable")


async def test_many_items_are_searched_in_one_request(client: httpx.AsyncClient) -> None:
    shades = np.random.default_rng(0).random((3_000, 1, 1)).astype(np.float32)
    images = np.broadcast_to(shades, (3_000, 4, 4))
    ids, _ = await found(client, "k=1", content=as_npy(images))
    nearest = np.abs(shades.ravel()[:, None] - np.array(SHADES)).argmin(axis=1)
    assert [each for (each,) in ids] == [ITEMS[number][0] for number in nearest]


async def test_requests_for_neighbours_are_counted_and_timed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/neighbours?k=1", json={"inputs": [flat(0)]})
    assert answer.headers["x-model"] == "mirror"
    assert "inference;dur=" in answer.headers["server-timing"]
    metrics = (await client.get("/metrics")).text
    labels = 'model="mirror",operation="neighbours"'
    assert f'autoencoder_requests_total{{{labels},status="200"}}' in metrics
    assert f"autoencoder_batch_items_count{{{labels}}}" in metrics


async def test_models_say_that_they_have_an_index(client: httpx.AsyncClient) -> None:
    (mirror,) = (await client.get("/models/mirror")).json()["models"]
    assert "neighbours" in mirror["operations"]
    assert mirror["default_for"] == ["encode", "decode", "reconstruct", "neighbours"]
    assert mirror["manifest"]["index"]["count"] == 5
    (half,) = (await client.get("/models/half")).json()["models"]
    assert "neighbours" not in half["operations"]
    assert "index" not in half["manifest"]


async def test_v2_has_no_neighbours(client: httpx.AsyncClient) -> None:
    index = (await client.post("/v2/repository/index")).json()
    assert "mirror.encode" in {each["name"] for each in index}
    assert not [each for each in index if each["name"].endswith(".neighbours")]
    assert (await client.get("/v2/models/mirror.neighbours")).status_code == 404
