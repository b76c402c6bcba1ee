"""Arrays in JSON bodies: {"inputs": nested lists of numbers} and what answers it.

Large ones are read and written in pieces: each is over in a millisecond or two, and between them
other requests have their turn with the interpreter. What is read is cut between items alone: one
that is large by itself is read at once, and holds the others up for as long as that takes.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from service.api.codecs import simdjson as straight
from service.api.codecs.json_errors import DEEPEST, explain, keys, no_json, shown
from service.errors import InvalidValue, MalformedBody, ShapeMismatch
from service.inference.pixels import Floats

PIECE = 128 * 1024
"""Bytes of JSON that are read at once, or one item that is longer."""
FLOATS = 32 * 1024
"""Numbers that are written at once."""
OPENING = re.compile(rb'\s*\{\s*"inputs"\s*:\s*\[(?=[\s\[\]0-9-])')
CLOSING = re.compile(rb"\]\s*\}\s*\Z")
NESTED = re.compile(rb"[\s\[]*")


def read(body: bytes) -> Floats:
    """Return the array of {"inputs": nested lists of numbers} as float32.

    Raises MalformedBody where it is not JSON, InvalidValue where it holds anything else, or
    nothing, ShapeMismatch where the lists are ragged.
    """
    array = _read_whole(body) if len(body) <= 2 * PIECE else _read_in_pieces(body)
    if not len(array):
        raise InvalidValue("inputs: expected at least one, received none")
    return array


def read_at_once(body: bytes) -> Floats | None:
    """Return what read() does, None for what it refuses: to say why may take far longer."""
    quick = straight.read(body)
    if quick is not None or not _is_numeric(body):
        return quick
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    inputs = document["inputs"] if isinstance(document, dict) and len(document) == 1 else None
    return _array(inputs) if inputs and isinstance(inputs, list) else None


def write(model: str, version: int, outputs: Floats) -> bytes:
    """Return {"model", "version", "outputs"}, floats as the shortest text that reads back equal."""
    document = {"model": model, "version": version, "outputs": outputs}
    if outputs.size <= FLOATS:
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    head = orjson.dumps(document | {"outputs": []}).removesuffix(b"[]}")
    return b"".join([head, *_texts(outputs), b"}"])


def _read_whole(body: bytes) -> Floats:
    quick = straight.read(body)
    if quick is not None:
        return quick
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(f"body: expected JSON, received: {no_json(error)}") from error
    if not isinstance(document, dict) or set(document) != {"inputs"}:
        received = keys(document) if isinstance(document, dict) else shown(document)
        raise InvalidValue(f'body: expected {{"inputs": [...]}}, received {received}')
    inputs = document["inputs"]
    if not isinstance(inputs, list):
        raise InvalidValue(f"inputs: expected nested lists, received {shown(inputs)}")
    array = _array(inputs) if _is_numeric(body) else None
    if array is None:
        explain(inputs)
    return array


def _read_in_pieces(body: bytes) -> Floats:
    opening = OPENING.match(body)
    closing = _closing(body)
    if not opening or not closing:  # read as a whole, it would hold everything else up
        raise InvalidValue(
            'body: expected {"inputs": [...]} and nothing else, received one that begins with '
            f"{bytes(body[:40])!r} and ends with {bytes(body[-40:])!r}"
        )
    arrays: list[Floats] = []
    first: list[Any] = []
    count = 0
    for piece in _pieces(body, opening.end(), closing.start()):
        document = b'{"inputs":[' + piece + b"]}"
        array = straight.read(document)
        if array is None or (arrays and array.shape[1:] != arrays[0].shape[1:]):
            try:
                items = orjson.loads(document)["inputs"]
            except orjson.JSONDecodeError as error:
                raise MalformedBody(
                    f"body: expected JSON, received, from inputs[{count}] on: {no_json(error)}"
                ) from error
            array = _array(items) if _is_numeric(document) else None
            if array is None or (arrays and array.shape[1:] != arrays[0].shape[1:]):
                explain([*first, *items], before=count - len(first))
            first = first or items[:1]
        first = first or array[:1].tolist()
        arrays.append(array)
        count += len(array)
    return np.concatenate(arrays)


def _closing(body: bytes) -> re.Match[bytes] | None:
    """The end of the outer list and of the document, however much blank there is after it."""
    end = len(body)
    while end > PIECE and body[end - PIECE : end].isspace():
        end -= PIECE
    return CLOSING.search(body, max(0, end - 2 * PIECE), end)


def _pieces(body: bytes, start: int, end: int) -> Iterator[bytes]:
    """The items between the outer brackets, many at a time, each piece's items whole."""
    brackets = NESTED.match(body, start)
    levels = 1 + (body.count(b"[", start, brackets.end()) if brackets else 0)
    if levels > DEEPEST:
        raise ShapeMismatch(f"inputs: expected at most {DEEPEST} levels of lists, received more")
    # After an item, as many brackets have closed as opened before the first number.
    boundary = re.compile(rb"\]\s*" * (levels - 1) + rb",")
    while cut := boundary.search(body, start + PIECE, end):
        yield body[start : cut.end() - 1]
        start = cut.end()
    yield body[start:end]


def _texts(array: Floats) -> Iterator[bytes]:
    """The text of an array that is not empty: many items at once, a large one in pieces itself."""
    size = array.size // len(array)
    if size <= FLOATS:
        rows = FLOATS // size
        for start in range(0, len(array), rows):
            yield b"," if start else b"["
            yield orjson.dumps(array[start : start + rows], option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    else:
        for index, item in enumerate(array):
            yield b"," if index else b"["
            yield from _texts(item)
    yield b"]"


def _is_numeric(document: bytes) -> bool:
    """Whether a document has nothing that numpy would take for numbers, though it is none.

    Its only quotes are those around the name, and true, false and null are nowhere.
    """
    quoted = document.rfind(b'"') - document.find(b'"')
    return quoted == len('inputs"') and b"l" not in document and b"r" not in document


@np.errstate(over="raise")
def _array(inputs: list[Any]) -> Floats | None:
    """Lists of numbers as an array, None where they are not one, or too large for float32."""
    try:
        return np.array(inputs, np.float32)
    except (ValueError, TypeError, OverflowError, FloatingPointError):
        return None
