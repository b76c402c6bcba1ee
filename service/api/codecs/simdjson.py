"""{"inputs": nested lists of numbers} straight into an array, without a Python object a number.

simdjson reads the numbers, and what is left of the text without them tells the shape. It takes two
thirds of the time that lists take; where it is not there (it has wheels up to Python 3.13), or the
text is not quite as expected, lists are made after all, and say what is wrong.
"""

import math
import threading
from typing import Any

import numpy as np

from service.api.caching import remembered
from service.api.codecs.json_errors import DEEPEST
from service.inference.pixels import Floats

try:
    import simdjson
except ImportError:
    simdjson = None  # type: ignore[assignment]

NUMERALS = b"0123456789+-.eE \t\r\n"
OPENING, CLOSING = b'{"inputs":', b"}"
KEPT = 512 * 1024
"""Bytes of a body up to which its parser, which stays as large as it, is used again."""

_local = threading.local()


@np.errstate(over="raise")
def read(body: bytes) -> Floats | None:
    """Return the array, None where there is no simdjson or the body is anything but numbers."""
    shape = _shape(bytes(body.translate(None, NUMERALS))) if simdjson else None
    if shape is None:
        return None
    parser = getattr(_local, "parser", None) or simdjson.Parser()
    _local.parser = None  # one that fails may still be held by the error
    try:
        document: Any = parser.parse(body)
        numbers = document["inputs"].as_buffer(of_type="d")
        del document  # a parser reads nothing else while what it read last is held
        array = np.frombuffer(numbers, np.float64).astype(np.float32)
    except (ValueError, TypeError, KeyError, RuntimeError, FloatingPointError):
        return None
    if len(body) <= KEPT:
        _local.parser = parser
    return array.reshape(shape) if array.size == math.prod(shape) else None


@remembered(64, longest=64 * 1024)  # requests of few shapes come again and again
def _shape(skeleton: bytes) -> tuple[int, ...] | None:
    """The shape of nested lists by their brackets and commas, None where they are ragged."""
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
