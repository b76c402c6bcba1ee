"""Numbers in JSON become the same array by every way of reading them."""

import json
import time
from typing import Any

import numpy as np
import orjson
import pytest

from service.api.codecs import json as json_codec
from service.api.codecs import json_pieces
from service.errors import MalformedBody, ServiceError, ShapeMismatch

RANDOM = np.random.default_rng(0)
SHAPES = [(1,), (5,), (1, 1), (2, 1), (1, 1, 1), (3, 2, 1), (7, 30), (2, 4, 4), (1, 28, 28)]
LARGE = [(200_000,), (4000, 30), (400, 28, 28), (2, 300, 200), (1, 1, 70_000)]


@pytest.fixture(params=["straight", "by way of lists"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How numbers are read: Python 3.14 has no simdjson yet."""
    if request.param == "straight":
        pytest.importorskip("simdjson")
    else:
        monkeypatch.setattr(json_codec, "simdjson", None)
    return str(request.param)


def array_of(shape: tuple[int, ...]) -> np.ndarray:
    return ((RANDOM.random(shape, np.float32) - 0.5) * 10).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES + LARGE, ids=str)
@pytest.mark.parametrize("indent", [None, 1])
def test_arrays_of_any_shape_are_read(way: str, shape: tuple[int, ...], indent: int | None) -> None:
    array = array_of(shape)
    text = json.dumps({"inputs": array.tolist()}, indent=indent)
    read = json_pieces.decode(f" {text}\n".encode())
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("shape", SHAPES + LARGE, ids=str)
def test_what_is_written_reads_back_equal(shape: tuple[int, ...]) -> None:
    array = array_of(shape)
    document = orjson.loads(json_pieces.encode("name", 1, array))
    assert (document["model"], document["version"]) == ("name", 1)
    np.testing.assert_array_equal(np.array(document["outputs"], np.float32), array)


@pytest.mark.parametrize(
    "text", ["1", "1.5e3", "-0.25", "1E-3", "12345678901234567890123", "1e-400"]
)
def test_numbers_are_read_as_python_reads_them(way: str, text: str) -> None:
    read = json_pieces.decode(f'{{"inputs":[[{text}, 0]]}}'.encode())
    assert read[0, 0] == np.float32(float(text))


@pytest.mark.parametrize(
    "text",
    [
        '{"inputs":1}',
        '{"inputs":[[[1],2],[3]]}',
        '{"inputs":[[1[,2],[3,4]]]}',
        '{"inputs":[[1,]2,[3,4]]}',
        '{"inputs":[[]5,[]6]}',
        '{"inputs":[[1,2],[3]]}',
        '{"inputs":[[1,2],[3,4,5],[6]]}',
        '{"inputs":[1]}]}',
        '{"inputs":[1],"inputs":[2,3]}',
        '{"inp1uts":[1,2]}',
        '{"in puts":[1,2]}',
        '{"inputs":[[1]],[[2]]}',
        '{"inputs":[1e400]}',
        '{"inputs":[1e39]}',
        '{"inputs":[-]}',
        '{"inputs":[01]}',
        '{"inputs":[1 2]}',
        '{"inputs":[.5]}',
        '{"inputs":[1.]}',
        '{"inputs":[+1]}',
        '{"inputs":[1,true]}',
        '{"inputs":[1,null]}',
        '{"inputs":[1,"2"]}',
        '{"inputs":[1,{}]}',
        '{"inputs":[1,]}',
        '{"inputs":' + "[" * 80 + "1" + "]" * 80 + "}",
    ],
)
def test_what_is_no_array_of_numbers_is_refused(way: str, text: str) -> None:
    with pytest.raises(ServiceError):
        json_pieces.decode(text.encode())


def broken(count: int, place: int, value: object) -> bytes:
    """A large body of images, one of which is not like the others."""
    lists: list[object] = array_of((count, 28, 28)).tolist()
    lists[place] = value
    return json.dumps({"inputs": lists}).encode()


def test_a_fault_far_into_a_large_body_is_named_by_its_place(way: str) -> None:
    image = array_of((28, 28)).tolist()
    image[3][4] = "x"
    with pytest.raises(ServiceError, match=r'inputs\[250\]\[3\]\[4\]: expected a number, .*"x"'):
        json_pieces.decode(broken(300, 250, image))
    shape = r"inputs\[250\]: expected the shape of inputs\[0\], \(28, 28\), received \(5, 28\)"
    with pytest.raises(ServiceError, match=shape):
        json_pieces.decode(broken(300, 250, image[5:10]))
    with pytest.raises(ServiceError, match=r"inputs\[0\]\[3\]\[4\]"):
        json_pieces.decode(broken(300, 0, image))


def test_a_large_body_that_is_no_json_is_told_from_where_on(way: str) -> None:
    text = broken(300, 0, array_of((28, 28)).tolist())
    middle = len(text) // 2
    with pytest.raises(MalformedBody, match=r"expected JSON, received, from inputs\[\d+\] on"):
        json_pieces.decode(text[:middle] + b"}" + text[middle:])


def test_a_large_body_with_more_than_inputs_is_refused_unread() -> None:
    text = broken(300, 0, array_of((28, 28)).tolist())
    with pytest.raises(ServiceError, match="and nothing else"):
        json_pieces.decode(text[:-1] + b', "more": 1}')


def test_a_large_body_may_be_one_item(way: str) -> None:
    array = array_of((1, 500, 500))
    np.testing.assert_array_equal(
        json_pieces.decode(json.dumps({"inputs": array.tolist()}).encode()), array
    )


@pytest.mark.parametrize("levels", [33, 500_000])
def test_a_large_body_of_too_many_levels_is_refused_at_once(way: str, levels: int) -> None:
    row = ",".join(["1"] * 200_000)
    began = time.perf_counter()
    with pytest.raises(ShapeMismatch, match="expected at most 32 levels of lists"):
        json_pieces.decode(f'{{"inputs":{"[" * levels}{row}{"]" * levels}}}'.encode())
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("item", ["[]", "[[],[]]"])
def test_a_large_body_of_empty_lists_is_refused_by_its_first_piece(way: str, item: str) -> None:
    lists = ",".join([item] * 200_000)
    with pytest.raises(ShapeMismatch, match=r"inputs\[0\]: expected numbers, received none"):
        json_pieces.decode(f'{{"inputs":[{lists}, "no number"]}}'.encode())


def test_blank_is_what_json_has_for_it_before_and_behind_the_numbers_of_a_large_body(
    way: str,
) -> None:
    array = array_of((7, 30))
    numbers = json.dumps(array.tolist())[1:-1]
    blank = " \n\r\t" * json_pieces.PIECE
    text = "".join(blank + each for each in ("{", '"inputs"', ":", "[", numbers, "]", "}"))
    assert np.array_equal(json_pieces.decode(text.encode()), array)
    for bad in (text.replace("{", "\v{"), text.replace("}", "\f}")):
        with pytest.raises(ServiceError):
            json_pieces.decode(bad.encode())


def test_a_large_body_may_end_in_any_amount_of_blank(way: str) -> None:
    array = array_of((100, 28, 28))
    text = json.dumps({"inputs": array.tolist()}) + " \n" * json_pieces.PIECE
    np.testing.assert_array_equal(json_pieces.decode(text.encode()), array)


def test_what_a_body_begins_with_is_shown_as_text() -> None:
    with pytest.raises(ServiceError) as raised:
        json_pieces.decode(b"x" * 3 * json_pieces.PIECE)
    assert f"begins with {'x' * 40} and ends" in str(raised.value)


def test_a_large_answer_is_written_in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    dumps = orjson.dumps

    def counted(value: object, **options: Any) -> bytes:
        sizes.append(value.size if isinstance(value, np.ndarray) else 0)
        return dumps(value, **options)

    monkeypatch.setattr(orjson, "dumps", counted)
    json_pieces.encode("name", 1, array_of((2, 500, 500)))
    assert sum(sizes) == 500_000
    assert max(sizes) <= json_pieces.FLOATS


@pytest.mark.parametrize("text", ['{"inputs":[[1,2],[3]]}', '{"inputs":[1,null]}', "[1]", "{", "1"])
def test_what_is_refused_is_left_to_be_explained_elsewhere(way: str, text: str) -> None:
    assert json_codec.decode_now(text.encode()) is None


def test_a_large_parser_is_not_kept() -> None:
    pytest.importorskip("simdjson")
    for count, is_kept in ((10, True), (json_codec.KEPT, False)):
        json_codec.decode_quickly(b'{"inputs":[' + b",".join([b"1"] * count) + b"]}")
        assert (json_codec._local.parser is not None) == is_kept
