"""Rows of large bodies and of wide tables, read a few at a time: nothing else runs meanwhile."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.api import row_stream
from service.api.codecs import csv_rows, json_rows, rows
from service.api.codecs.json_pieces import PIECE
from service.errors import InvalidValue, MalformedBody
from service.inference import scores
from service.inference.features import features
from service.inference.numeric_columns import TOGETHER, Values
from service.manifest import Tensor
from service.rows import Column, Rows, Window
from tests.service import tiny
from tests.service.tiny import Start, write_model

WIDE = 1000
NAMES = [f"column {number}" for number in range(WIDE)]
NARROW = Rows(
    columns=(
        Column(name="x", categories=(), scale=1.0),
        Column(name="kind", categories=("a", "},{", "b"), scale=1.0),
        Column(name="y", categories=(), scale=1.0),
    ),
    missing=True,
    window=None,
)


def wide(*, missing: bool = False, window: Window | None = None) -> Rows:
    columns = tuple(Column(name=name, categories=(), scale=1.0) for name in NAMES)
    return Rows(columns=columns, missing=missing, window=window)


def as_csv(names: Sequence[str], cells: Sequence[Sequence[Any]]) -> bytes:
    return "\n".join(",".join(map(str, line)) for line in (names, *cells)).encode()


def read(body: bytes, media: str, described: Rows) -> Any:
    return rows.read(body, media, described, ("batch", described.features), math.prod).array


def numbers(count: int) -> list[list[float]]:
    values: list[list[float]] = np.random.default_rng(0).normal(size=(count, WIDE)).tolist()
    return values


def test_rows_of_wide_tables_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[int] = []

    def counted(columns: Mapping[str, Values], described: Rows, *, first: int) -> Any:
        count = len(columns[NAMES[0]])
        pieces.append(count)
        assert first == sum(pieces[:-1])
        return features(columns, described, first=first)

    monkeypatch.setattr(rows, "features", counted)
    expected = np.array(numbers(50), np.float32)
    np.testing.assert_array_equal(
        read(as_csv(NAMES, numbers(50)), "text/csv", wide()), expected, strict=True
    )
    assert len(pieces) > 1
    assert max(pieces) * WIDE <= TOGETHER
    pieces.clear()
    dicts = [dict(zip(NAMES, line, strict=True)) for line in numbers(50)]
    body = json.dumps({"rows": dicts}).encode()
    np.testing.assert_array_equal(read(body, "application/json", wide()), expected, strict=True)
    assert len(pieces) > 1
    assert max(pieces) * len(body) / 50 < 2 * PIECE


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("kind", [int, float, str, np.float32])
def test_columns_that_are_converted_together_have_the_numbers_of_each(
    kind: type, missing: bool
) -> None:
    values: dict[str, Any] = {
        name: np.array(line, kind) if kind is np.float32 else [kind(9 * each) for each in line]
        for name, line in zip(NAMES, np.array(numbers(3)).T.tolist(), strict=True)
    }
    if missing:
        values[NAMES[3]] = ["NA", None, 2]
        values[NAMES[5]] = [None, 1.5, 1] if kind is not str else ["", " 7 ", "1e3"]
    expected = [
        [np.nan if each in ("", "NA", None) else float(each) for each in values[name]]
        for name in NAMES
    ]
    found = features(values, wide(missing=missing))
    np.testing.assert_array_equal(found, np.array(expected, np.float32).T, strict=True)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("x", "a number, received 'x'"),
        (None, "a number, received none"),
        (True, "a number, received True"),
        (10**400, f"a number, received {'1' + 39 * '0'}"),
        (1e39, "at most 3.4028235e+38, received 1e+39"),
        ("1\x00", "a number, received '1\\x00'"),
    ],
)
def test_the_first_wrong_value_of_columns_that_are_converted_together_is_named(
    wrong: Any, told: str
) -> None:
    values: dict[str, list[Any]] = {name: [1.0, 2, 3.5] for name in NAMES}
    values[NAMES[7]][2] = wrong
    values[NAMES[8]][0] = "y"
    with pytest.raises(InvalidValue) as error:
        features(values, wide(), first=40)
    assert str(error.value) == f"rows[42].{NAMES[7]}: expected {told}"


def narrow(count: int, texts_from: int) -> list[dict[str, Any]]:
    """Rows of which many have, from one on, a text that looks like what is between two rows."""
    kinds = ("a", "},{", "b")
    return [{"x": n, "kind": kinds[n % 3 * (n > texts_from)], "y": n / 8} for n in range(count)]


@pytest.mark.slow
def test_a_large_body_is_cut_between_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: list[int] = []

    def noted(body: bytes) -> list[Any]:
        whole.append(len(body))
        return read_whole(body)

    read_whole = json_rows._whole
    monkeypatch.setattr(json_rows, "_whole", noted)
    for texts_from, times in ((41_000, 0), (20_000, 1)):
        values = narrow(41_000, texts_from)
        body = json.dumps({"rows": values}).encode()
        found = read(body, "application/json", NARROW)
        assert whole == [len(body)] * times  # once a cut was in a text
        small = [features_of(values[at : at + 1000]) for at in range(0, len(values), 1000)]
        np.testing.assert_array_equal(found, np.concatenate(small), strict=True)
        whole.clear()


def features_of(values: Sequence[Mapping[str, Any]]) -> Any:
    return read(json.dumps({"rows": values}).encode(), "application/json", NARROW)


def faults() -> Iterator[tuple[bytes, str]]:
    values: list[Any] = narrow(20_000, 20_000)
    body = json.dumps({"rows": values}).encode()
    yield body[:-1], "body: expected JSON, received"
    yield body[:-2] + b"}", "body: expected JSON, received"
    yield body[:-1] + b',"x":[{},{}]}', 'body: expected {"rows": [{...}]}'
    yield body.replace(b"9999,", b"9999", 1), "body: expected JSON, received"
    yield body.replace(b"{", b'{"x":[],', 1), 'body: expected {"rows": [{...}]}'
    for wrong, told in (
        ({"x": "?"}, "rows[19000].x: expected a number, received '?'"),
        ({"z": 1}, "rows[19000]: expected the columns x, kind, y, received the key"),
        (1, "rows[19000]: expected an object, received 1"),
        ({"x": [{}, {}]}, "rows[19000].x: expected a number, received [{}, {}]"),
    ):
        changed = [*values[:19_000], wrong, *values[19_001:]]
        yield json.dumps({"rows": changed}).encode(), told


@pytest.mark.slow
def test_what_is_wrong_with_a_large_body_is_told_as_of_a_small_one() -> None:
    for body, told in faults():
        assert len(body) > 2 * PIECE
        with pytest.raises((InvalidValue, MalformedBody)) as error:
            read(body, "application/json", NARROW)
        assert str(error.value).startswith(told)


def outcome(body: bytes) -> Any:
    """The array of a body as a list, or that it is an error."""
    try:
        return np.nan_to_num(read(body, "application/json", NARROW)).tolist()
    except (InvalidValue, MalformedBody):
        return "error"


def test_wherever_a_body_is_cut_it_is_read_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one with a byte too many or another, after which brackets and texts end elsewhere."""
    random = np.random.default_rng(7)
    damages = [b"", b'"', b"}", b"{", b"]", b"[", b",", b" ", b"},{", b'"},{"', b"\\"]
    arrays = errors = 0
    for _ in range(250):
        values = narrow(int(random.integers(1, 9)), -1)
        body = json.dumps({"rows": values}, indent=int(random.integers(3)) or None).encode()
        if random.random() < 0.5:
            at, damage = int(random.integers(len(body))), int(random.integers(len(damages)))
            body = body[:at] + damages[damage] + body[at + int(random.integers(2)) :]
        expected = outcome(body)
        for piece in (1, 20, 60):
            with monkeypatch.context() as patched:
                patched.setattr(json_rows, "PIECE", piece)
                assert outcome(body) == expected, body
        errors += expected == "error"
        arrays += expected != "error"
    assert min(arrays, errors) > 60


@pytest.mark.parametrize("before", [1, 40_000])
@pytest.mark.parametrize(
    ("wrong", "reason"), [(b"\xff", "invalid start byte"), (b"\xc3", "unexpected end of data")]
)
def test_csv_that_is_no_utf_8_is_told_by_its_line(before: int, wrong: bytes, reason: str) -> None:
    body = as_csv(["x"], [[1]] * before) + b"\n" + wrong
    fault = f"body: expected CSV in UTF-8, received: {reason} in line {before + 2}"
    for each in (body, memoryview(body)):
        with pytest.raises(MalformedBody) as error:
            list(csv_rows.read(each, ["x"]))
        assert str(error.value) == fault


def test_maps_of_many_items_are_made_of_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, outputs = np.random.default_rng(0).normal(size=(2, 9, 3, 5)).astype(np.float32)
    whole = [scores.maps(inputs, outputs, described) for described in (NARROW, None)]
    assert [each.shape for each in whole] == [(9, 3, 3), (9, 3, 5)]
    monkeypatch.setattr(scores, "PIECE", 31)  # two items
    for described, expected in zip((NARROW, None), whole, strict=True):
        found = scores.maps(inputs, outputs, described)
        np.testing.assert_array_equal(found, expected, strict=True)


async def test_a_stream_of_wide_rows_is_taken_a_few_at_a_time(
    models: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = Tensor(name="windows", dtype="float32", shape=("batch", 4, WIDE))
    graphs = {"encode": tiny.shade(window), "decode": tiny.shade(window, 0.5)}
    monkeypatch.setitem(tiny.FURTHER, "wide", graphs)
    monkeypatch.setitem(tiny.TABULAR, "wide", wide(window=Window(steps=4, stride=2)))
    write_model(models, "wide")
    taken: list[int] = []

    def counted(some: Sequence[Any], *arguments: Any, **named: Any) -> Any:
        taken.append(len(some))
        return columns_of(some, *arguments, **named)

    columns_of = json_rows.columns_of
    monkeypatch.setattr(json_rows, "columns_of", counted)
    lines = [dict(zip(NAMES, line, strict=True)) for line in numbers(41)]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await start().post("/score/stream?model=wide", content=body, headers=headers)
    *windows, end = map(json.loads, answer.content.splitlines())
    assert end == {"rows": 41, "rows_left_over": 1}
    assert [each["start"] for each in windows] == list(range(0, 38, 2))
    assert sum(taken) == 41
    assert max(taken) * WIDE <= row_stream.VALUES
