"""Rows with named columns in JSON, CSV and Parquet, for models of tables and of series."""

import io
import math
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from service.api.codecs import json_rows
from service.api.codecs import rows as codec
from service.calibration import Calibration
from service.errors import InvalidValue, first_of
from service.inference.features import features
from service.rows import Column, Rows
from tests.service.asgi import check_problem
from tests.service.conftest import client_of
from tests.service.small_pictures import GRAY
from tests.service.tiny import write_model

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
ROWS = [{"size": 4, "colour": "red"}, {"size": 1.5, "colour": "green"}]
FEATURES = [[4.0, 1.0, 0.0], [1.5, 0.0, 1.0]]
SERIES = [{"x": float(x * x), "y": 0.0} for x in range(8)]
CALIBRATION = Calibration(
    data="9 rows", items=9, mean=1.0, deviation=0.5, shares=(0, 1), scores=(0.0, 0.25)
)


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    root = tmp_path_factory.mktemp("rows")
    write_model(root, "table", calibration=CALIBRATION)
    for kind in ("gaps", "series", "mirror", "half"):
        write_model(root, kind)
    write_model(root, "gaps", name="known-gaps", calibration=CALIBRATION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVICE_PORT", "0")
        client = client_of(root, max_output_bytes=4096)
    yield client
    await client.aclose()


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    return "\r\n".join(lines).encode()


def as_parquet(columns: Mapping[str, Any]) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pa.table(dict(columns)), stream)
    return stream.getvalue()


def row(size: Any, colour: Any = "red") -> dict[str, Any]:
    return {"size": size, "colour": colour}


async def post(
    client: httpx.AsyncClient, path: str, body: Any, media: str | None = None
) -> httpx.Response:
    if media is None:
        return await client.post(path, json=body)
    return await client.post(path, content=body, headers={"Content-Type": media})


async def test_rows_are_encoded_from_any_format(client: httpx.AsyncClient) -> None:
    columns = {"colour": ["red", "green"], "size": [4, 1.5]}
    further = [row | {"note": "x"} for row in ROWS]
    bodies = [
        ({"inputs": FEATURES}, None),
        ({"rows": ROWS}, None),
        ({"rows": [dict(reversed(row.items())) for row in ROWS]}, None),
        (as_csv(ROWS), CSV),
        (b'\xef\xbb\xbf colour ,note,size\n"red","a, b",4\n\ngreen,,1.5\n', CSV),
        (as_csv(further), CSV),
        (as_parquet(columns), PARQUET),
        (as_parquet(columns), "application/octet-stream"),
        (as_parquet(columns | {"size": pa.array([4, 1.5], pa.float16())}), PARQUET),
        (as_parquet(columns | {"colour": pa.array(["red", "green"]).dictionary_encode()}), PARQUET),
    ]
    for body, media in bodies:
        answer = await post(client, "/encode?model=table", body, media)
        assert answer.status_code == 200, answer.text
        assert answer.json()["outputs"] == FEATURES


def test_a_category_may_be_of_numbers_or_of_true_and_false() -> None:
    names = {"flag": ("false", "true"), "grade": ("1", "1.5", "2.0")}
    columns = tuple(Column(name=each, categories=names[each], scale=1.0) for each in names)
    rows = Rows(columns=columns, missing=False, window=None)
    flags, grades = [True, False, "true", True], [1, 1.5, 2, 1.0]
    expected = [[0, 1, 1, 0, 0], [1, 0, 0, 1, 0], [0, 1, 0, 0, 1], [0, 1, 1, 0, 0]]
    assert features({"flag": flags, "grade": grades}, rows).tolist() == expected
    file = {"flag": [True, False, True, True], "grade": [1.0, 1.5, 2.0, 1.0]}
    read = codec.read(as_parquet(file), PARQUET, rows, ("batch", 5), math.prod)
    assert read.array.tolist() == expected
    for value in (1, np.nan, 1e300):
        with pytest.raises(InvalidValue, match=r"rows\[0\]\.flag: expected one of false, true"):
            features({"flag": [value], "grade": [1]}, rows)


def test_decimals_of_parquet_are_numbers() -> None:
    column = Column(name="cost", categories=(), scale=1.0)
    rows = Rows(columns=(column,), missing=True, window=None)
    costs = pa.array([Decimal("1.25"), None, Decimal("-3.5")], pa.decimal128(9, 2))
    read = codec.read(as_parquet({"cost": costs}), PARQUET, rows, ("batch", 1), math.prod)
    np.testing.assert_array_equal(read.array[:, 0], [1.25, np.nan, -3.5])


async def test_scores_beyond_float32_are_its_largest(client: httpx.AsyncClient) -> None:
    largest = pytest.approx(float(np.finfo(np.float32).max))
    body = {"rows": [row(3e38)]}
    answer = (await post(client, "/score?model=table&map=true", body)).json()
    assert (answer["scores"], answer["z_scores"]) == ([largest], [largest])
    assert answer["is_anomaly"] == [True]
    series = [{"x": x, "y": 0.0} for x in (1e38, 0.0, 0.0)]
    answer = (await post(client, "/score?model=series", {"rows": series})).json()
    assert answer["row_scores"] == [largest] * 3


async def test_scores_of_rows_are_on_the_scales_of_their_columns(
    client: httpx.AsyncClient,
) -> None:
    answer = (await post(client, "/score?model=table&map=true", {"rows": ROWS})).json()
    assert answer["columns"] == ["size", "colour"]
    assert answer["maps"] == [[1.0, 0.125], [0.140625, 0.125]]
    assert answer["scores"] == pytest.approx([1.25 / 3, (0.140625 + 0.25) / 3])
    assert answer["is_anomaly"] == [True, False]


async def test_what_is_missing_is_left_out_of_scores(client: httpx.AsyncClient) -> None:
    expected = [0.125, 0.125, 1.25 / 3]
    rows = [row(None), {"colour": "red"}, row(4)]
    answer = (await post(client, "/score?model=gaps&map=true", {"rows": rows})).json()
    assert answer["scores"] == pytest.approx(expected)
    assert answer["maps"] == [[None, 0.125], [None, 0.125], [1.0, 0.125]]
    text = b"size,colour\n,red\nNA,red\n4,red\n"
    answer = (await post(client, "/score?model=gaps", text, CSV)).json()
    assert answer["scores"] == pytest.approx(expected)
    uncoloured = [row(4, None), {"size": 4}, row(None, "NA")]
    answer = (await post(client, "/score?model=gaps&map=true", {"rows": uncoloured})).json()
    assert answer["scores"] == [1.0, 1.0, None]
    assert answer["maps"] == [[1.0, None], [1.0, None], [None, None]]
    answer = (await post(client, "/score?model=known-gaps", {"rows": uncoloured})).json()
    assert answer["is_anomaly"] == [True, True, None]
    assert (answer["percentiles"][2], answer["z_scores"][2]) == (None, None)
    text = b"size,colour\n4,\n4,NA\n,\n"
    assert (await post(client, "/score?model=gaps", text, CSV)).json()["scores"] == [1.0, 1.0, None]
    table = as_parquet(row([4, 4, None], pa.nulls(3, pa.string())))
    answer = (await post(client, "/score?model=gaps", table, PARQUET)).json()
    assert answer["scores"] == [1.0, 1.0, None]
    table = as_parquet(row([None, None, 4], ["red"] * 3))
    answer = (await post(client, "/score?model=gaps", table, PARQUET)).json()
    assert answer["scores"] == pytest.approx(expected)
    stream = io.BytesIO()
    np.save(stream, np.array([[np.nan, 1, 0]], np.float32))
    answer = await client.post("/score?model=gaps", content=stream.getvalue())
    assert np.load(io.BytesIO(answer.content)) == pytest.approx([0.125])
    np.save(stream := io.BytesIO(), np.full((1, 3), np.nan, np.float32))
    headers = {"Accept": "application/json"}
    answer = await client.post("/score?model=gaps", content=stream.getvalue(), headers=headers)
    assert answer.json()["scores"] == [None]
    stream = io.BytesIO()
    np.save(stream, np.array([[np.inf, 1, 0]], np.float32))
    refused = await client.post("/score?model=gaps", content=stream.getvalue())
    detail = check_problem(refused, 422, "invalid-value")
    assert detail == "rows: expected finite numbers, or NaN where one is missing, received inf"


async def test_a_series_is_cut_into_windows(client: httpx.AsyncClient) -> None:
    body = {"rows": SERIES}
    answer = await post(client, "/score?model=series", body)
    found = answer.json()
    x = np.square(np.arange(8.0))
    cut = np.stack([x[0:3], x[2:5], x[4:7]])
    errors = np.square(cut - cut.mean(axis=1, keepdims=True)) / 2  # y has none
    assert found["starts"] == [0, 2, 4]
    assert found["scores"] == pytest.approx(errors.mean(axis=1).tolist(), rel=1e-5)
    covered = [errors[0, 0], errors[0, 1], (errors[0, 2] + errors[1, 0]) / 2, errors[1, 1],
               (errors[1, 2] + errors[2, 0]) / 2, errors[2, 1], errors[2, 2]]  # fmt: skip
    assert found["row_scores"] == [*(pytest.approx(each, rel=1e-5) for each in covered), None]
    assert (found["rows_left_over"], answer.headers["x-rows-left-over"]) == (1, "1")
    same = await post(client, "/score?model=series", as_csv(SERIES), CSV)
    assert same.json() == found
    coded = await post(client, "/encode?model=series", body)
    assert coded.json()["outputs"] == [[mean, 0.0] for mean in cut.mean(axis=1, dtype="f")]
    assert coded.headers["x-rows-left-over"] == "1"
    assert len((await post(client, "/reconstruct?model=series", body)).json()["outputs"]) == 3


def test_an_error_on_many_columns_says_what_was_received() -> None:
    assert first_of(["a", "b"]) == "a, b"
    names = [f"c{number}" for number in range(1000)]
    with pytest.raises(InvalidValue) as raised:
        json_rows.columns_of([{"c0": 1}], names, may_miss=False, first=0)
    message = str(raised.value)
    assert "c29, ... (1,000 in all), received the key" in message
    assert "lacking" in message
    assert len(message) < 1000


NAMED = "expected the columns size, colour, received the key"
DIFFERENCE = '(lacking "colour"; unknown: "x")'
ONCE = "columns: expected each of size, colour once"
HIGHEST = "expected at most 3.4028235e+38, received"
COLOUR = "rows[0].colour: expected one of red, green, received"
ALONE = 'body: expected {"rows": [{...}]} or {"inputs": [...]}, received'
CELLS = "expected 2 cells, as in the first line"
SHORT = "rows: expected at least 3, those of a window, received 2"
REFUSED: list[tuple[str, Any, str]] = [
    ("table", {"rows": []}, "rows: expected at least one, received none"),
    ("table", {"rows": 1}, "rows: expected a list of objects, received 1"),
    ("table", {"rows": [1]}, "rows[0]: expected an object, received 1"),
    ("table", {"rows": [], "x": 1}, f'{ALONE} the keys "rows", "x"'),
    ("table", {"rows": [ROWS[0], {"size": 1}]}, f'rows[1]: {NAMED} "size" (lacking "colour")'),
    ("table", {"rows": [{"size": 1, "x": 2}]}, f'rows[0]: {NAMED}s "size", "x" {DIFFERENCE}'),
    ("gaps", {"rows": [{"weight": 1}]}, f'rows[0]: {NAMED} "weight" (unknown: "weight")'),
    ("table", {"row": []}, f'{ALONE} the key "row"'),
    ("table", [[1]], f"{ALONE} [[1]]"),
    ("table", {"rows": [row(None)]}, "rows[0].size: expected a number, received none"),
    ("table", {"rows": [row("big")]}, "rows[0].size: expected a number, received 'big'"),
    ("table", {"rows": [row(1), row(True)]}, "rows[1].size: expected a number, received True"),
    ("table", {"rows": [row(1e300)]}, f"rows[0].size: {HIGHEST} 1e+300"),
    ("table", {"rows": [row(1, "blue")]}, f"{COLOUR} 'blue'"),
    ("table", {"rows": [row(1, None)]}, f"{COLOUR} none"),
    ("series", {"rows": SERIES[:2]}, SHORT),
    ("table", b"size,colour\n1,red\n2\n", f"rows[1]: {CELLS}, received 1"),
    ("table", b"size,weight\n1,2\n", f"{ONCE}, in the first line, received size, weight"),
    ("table", b"size,colour\n1,red\ninf,red\n", f"rows[1].size: {HIGHEST} inf"),
    ("table", b"size,colour\n1,red\n,red\n", "rows[1].size: expected a number, received none"),
    ("table", b"size,colour\n", "rows: expected at least one, received none"),
    ("table", as_parquet({"size": [1]}), f"{ONCE}, received size"),
    ("table", as_parquet(row(["1"], ["red"])), "size: expected numbers, received string"),
    (
        "table",
        as_parquet(row([1], [1.5])),
        "rows[0].colour: expected one of red, green, received 1.5",
    ),
]


@pytest.mark.parametrize(("model", "body", "detail"), REFUSED)
async def test_rows_that_a_model_does_not_take_are_refused(
    client: httpx.AsyncClient, model: str, body: Any, detail: str
) -> None:
    media = None
    if isinstance(body, bytes):
        media = PARQUET if body.startswith(b"PAR1") else CSV
    answer = await post(client, f"/score?model={model}", body, media)
    code = "shape-mismatch" if model == "series" else "invalid-value"
    assert check_problem(answer, 422, code) == detail


async def test_files_that_are_none_are_refused(client: httpx.AsyncClient) -> None:
    path = "/score?model=table"
    latin = pa.Array.from_buffers(pa.string(), 1, pa.array([b"re\x90"]).buffers())
    broken = [
        (as_parquet({"size": [1.0], "colour": latin}), PARQUET, "body: expected a Parquet file"),
        (b'size,colour\n1,"red\n', CSV, "body: expected CSV, received, in line 2: "),
        (b"\xff\xfe", CSV, "body: expected CSV in UTF-8, received: "),
        (b'{"rows": [', "application/json", "body: expected JSON, received: "),
        (as_parquet(row([1], ["red"]))[:-9], PARQUET, "body: expected a Parquet file, received: "),
    ]
    for body, media, begins in broken:
        answer = await post(client, path, body, media)
        assert check_problem(answer, 400, "malformed-body").startswith(begins)


async def test_a_small_file_that_stands_for_many_rows_is_refused(
    client: httpx.AsyncClient,
) -> None:
    same = as_parquet({"size": np.ones(1_000_000), "colour": ["red"] * 1_000_000})
    assert len(same) < 10_000
    answer = await post(client, "/score?model=table", same, PARQUET)
    assert "of shape (1000000, 3)" in check_problem(answer, 413, "body-too-large")
    rows = [{"x": 0, "y": 0}] * 300  # of which there are more in windows
    answer = await post(client, "/score?model=series", {"rows": rows})
    assert "of shape (149, 3, 2)" not in answer.text
    rows *= 2
    answer = await post(client, "/score?model=series", {"rows": rows})
    check_problem(answer, 413, "body-too-large")


async def test_models_of_images_take_no_rows_and_those_of_rows_no_pictures(
    client: httpx.AsyncClient,
) -> None:
    answer = await post(client, "/encode?model=mirror", as_csv(ROWS), CSV)
    detail = check_problem(answer, 415, "unsupported-media-type")
    assert detail == "body: expected images for mirror, received rows (text/csv)"
    answer = await client.post("/encode?model=table", content=GRAY)
    detail = check_problem(answer, 415, "unsupported-media-type")
    assert detail == "body: expected rows for table, received a picture (image/png)"
    headers = {"Accept": "image/png"}
    answer = await client.post("/score?model=table&map=true", json={"rows": ROWS}, headers=headers)
    check_problem(answer, 406, "not-acceptable")


async def test_parquet_without_its_extra_is_a_415(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = as_parquet(row([1], ["red"]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = await post(client, "/score?model=table", body, PARQUET)
    detail = check_problem(answer, 415, "unsupported-media-type")
    assert "the extra [parquet] is not installed" in detail


async def test_csv_that_does_not_say_so_is_told_of_its_type(client: httpx.AsyncClient) -> None:
    curl = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post("/score?model=table", content=as_csv(ROWS), headers=curl)
    detail = check_problem(answer, 415, "unsupported-media-type")
    assert detail.endswith("; if it is CSV, expected its Content-Type, text/csv")
