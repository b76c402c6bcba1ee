"""JSON bodies: {"inputs": nested lists of numbers} -> an array, and the response to it.

simdjson reads the numbers straight into a buffer; the text without its numbers tells the shape.
That takes two thirds of the time that Python lists take. Lists are made where simdjson is missing
(it has wheels up to Python 3.13), and where the text is not quite as expected, to say what is
wrong.
"""

import math
import threading
from typing import Any

import numpy as np
import orjson

from service.api.caching import BoundedCache
from service.api.codecs.json_errors import DEEPEST, explain, keys, no_json, shown
from service.errors import InvalidValue, MalformedBody
from service.inference.pixels import Floats

try:
    import simdjson
except ImportError:
    simdjson = None  # type: ignore[assignment]

NUMERALS = b"0123456789+-.eE \t\r\n"
OPENING, CLOSING = b'{"inputs":', b"}"
KEPT = 512 * 1024
"""Bytes of a body up to which its parser, which stays as large as the body, is used again."""

_local = threading.local()


def decode_now(body: bytes) -> Floats | None:
    """Return what decode() does, or None for what it refuses: saying why may take far longer."""
    array = decode_quickly(body)
    if array is not None or not is_numeric(body):
        return array
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    inputs = document.get("inputs") if isinstance(document, dict) and len(document) == 1 else None
    return array_of(inputs) if inputs and isinstance(inputs, list) else None


def decode(body: bytes) -> Floats:
    """Return the array of a body, float32, of any shape.

    Raises:
        MalformedBody: It is not JSON.
        InvalidValue: It holds anything but numbers that float32 can hold, or something besides.
        ShapeMismatch: The lists are ragged.
    """
    array = decode_quickly(body)
    if array is not None:
        return array
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
    array = array_of(inputs) if is_numeric(body) else None
    if array is None:
        explain(inputs)
    return array


def encode(model: str, version: int, outputs: Floats) -> bytes:
    """Return {"model", "version", "outputs"}, floats as the shortest text that reads back equal."""
    document = {"model": model, "version": version, "outputs": outputs}
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


@np.errstate(over="raise")
def decode_quickly(body: bytes) -> Floats | None:
    """Return the array by simdjson, None where it is missing or the body is anything but numbers.

    Numbers too large for float32 are refused as well.
    """
    shape = SHAPES[bytes(body.translate(None, NUMERALS))] if simdjson else None
    if shape is None:
        return None
    parser = getattr(_local, "parser", None) or simdjson.Parser()
    _local.parser = None  # one that fails may still be held by the error
    try:
        document: Any = parser.parse(body)
        numbers = document["inputs"].as_buffer(of_type="d")
        del document  # a parser parses nothing else while its last document is held
        array = np.frombuffer(numbers, np.float64).astype(np.float32)
    except (ValueError, TypeError, KeyError, RuntimeError, FloatingPointError):
        return None
    if len(body) <= KEPT:
        _local.parser = parser
    return array.reshape(shape) if array.size == math.prod(shape) else None


def is_numeric(document: bytes) -> bool:
    """Return whether a document has nothing that numpy would take for a number though it is none.

    Its only quotes are those around "inputs", and it has no true, false or null.
    """
    quoted = document.rfind(b'"') - document.find(b'"')
    return quoted == len('inputs"') and b"l" not in document and b"r" not in document


@np.errstate(over="raise")
def array_of(inputs: list[Any]) -> Floats | None:
    """Return nested lists as float32, None where they are not one array that it can hold."""
    try:
        return np.array(inputs, np.float32)
    except (ValueError, TypeError, OverflowError, FloatingPointError):
        return None


def _shape(skeleton: bytes) -> tuple[int, ...] | None:
    """Return the shape of nested lists by their brackets and commas, None where it is ragged."""
    lists = skeleton.removeprefix(OPENING).removesuffix(CLOSING)
    depth = len(lists) - len(lists.lstrip(b"["))
    unit, sizes = b"", []
    for level in range(min(depth, DEEPEST)):
        # The first list of this level, from inside out, ends where so many brackets close.
        end = lists.find(b"]" * (level + 1)) + level
        count = (end - (depth - 1 - level)) // (len(unit) + 1)
        unit = b"[" + b",".join([unit] * count) + b"]"
        sizes.append(count)
    is_regular = depth > 0 and OPENING + unit + CLOSING == skeleton
    return tuple(reversed(sizes)) if is_regular else None


SHAPES: BoundedCache[bytes, tuple[int, ...] | None] = BoundedCache(_shape, 64, longest=64 * 1024)
"""Shapes by body without numbers: clients send few of them, over and over."""
