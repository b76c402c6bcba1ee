"""Large JSON bodies, decoded and encoded in pieces of a millisecond or two each.

Between pieces, other requests get the interpreter. Bodies are cut between items only: a single
large item is decoded in one piece, and holds the others up for that long.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from service.api.codecs import json
from service.api.codecs.json_errors import DEEPEST, explain, no_json
from service.errors import InvalidValue, MalformedBody, ShapeMismatch
from service.inference.pixels import Floats

PIECE = 128 * 1024
"""Bytes of JSON that are decoded in one piece, or one item that is longer."""
FLOATS = 32 * 1024
"""Numbers that are encoded in one piece."""
BLANK = b" \t\r\n"
"""What JSON allows between its tokens (RFC 8259, section 2)."""
SPACE = rb"[ \t\r\n]*"
OPENING = re.compile(SPACE.join((b"", rb"\{", b'"inputs"', b":", rb"\[(?=[ \t\r\n\[\]0-9-])")))
NESTED = re.compile(rb"[\s\[]*")


def decode(body: bytes) -> Floats:
    """Return the array of {"inputs": nested lists of numbers} of any size, float32, not empty.

    Raises:
        MalformedBody: The body is not JSON.
        InvalidValue: It holds anything but numbers that float32 can hold, or nothing.
        ShapeMismatch: The lists are ragged.
    """
    array = json.decode(body) if len(body) <= 2 * PIECE else _decode_pieces(body)
    if not len(array):
        raise InvalidValue("inputs: expected at least one, received none")
    return array


def encode(model: str, version: int, outputs: Floats) -> bytes:
    """Return {"model", "version", "outputs"} for outputs of any size."""
    if outputs.size <= FLOATS:
        return json.encode(model, version, outputs)
    head = orjson.dumps({"model": model, "version": version, "outputs": []}).removesuffix(b"[]}")
    return b"".join([head, *texts(outputs), b"}"])


def _decode_pieces(body: bytes) -> Floats:
    opening = OPENING.match(body)
    end = end_of_items(body)
    if not opening or end is None:  # decoded as a whole, it would hold everything else up
        raise InvalidValue(
            'body: expected {"inputs": [...]} and nothing else, received one that begins with '
            f"{_shown(body[:40])} and ends with {_shown(body[-40:])}"
        )
    arrays: list[Floats] = []
    first: list[Any] = []
    count = 0
    for piece in _pieces(body, opening.end(), end):
        document = b'{"inputs":[' + piece + b"]}"
        array = json.decode_quickly(document)
        if array is None or (arrays and array.shape[1:] != arrays[0].shape[1:]):
            try:
                items = orjson.loads(document)["inputs"]
            except orjson.JSONDecodeError as error:
                raise MalformedBody(
                    f"body: expected JSON, received, from inputs[{count}] on: {no_json(error)}"
                ) from error
            array = json.array_of(items) if json.is_numeric(document) else None
            if array is None or (arrays and array.shape[1:] != arrays[0].shape[1:]):
                explain([*first, *items], before=count - len(first))
            first = first or items[:1]
        if len(array) and not array.size:  # millions of empty lists take long, none takes one
            raise ShapeMismatch(f"inputs[{count}]: expected numbers, received none")
        first = first or array[:1].tolist()
        arrays.append(array)
        count += len(array)
    return np.concatenate(arrays)


def _shown(text: bytes) -> str:
    return " ".join(bytes(text).decode(errors="replace").split())


def end_of_items(body: bytes) -> int | None:
    """Return where the outer list ends, None if the document does not end with it."""
    end = len(body)
    for bracket in (b"}", b"]"):
        end = _trimmed(body, end)
        if body[end - 1 : end] != bracket:
            return None
        end -= 1
    return end


def _trimmed(body: bytes, end: int) -> int:
    """Return the end of what is before an end but for the blank there, however much it is."""
    while end:
        start = max(0, end - PIECE)
        if kept := len(body[start:end].rstrip(BLANK)):
            return start + kept
        end = start
    return 0


def _pieces(body: bytes, start: int, end: int) -> Iterator[bytes]:
    """Yield the items between the outer brackets, many at a time, each item whole."""
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


def texts(array: Floats) -> Iterator[bytes]:
    """Yield the text of an array that is not empty: many items at once, or parts of a large one."""
    size = array.size // len(array)
    if size <= FLOATS:
        rows = FLOATS // size
        for start in range(0, len(array), rows):
            yield b"," if start else b"["
            yield orjson.dumps(array[start : start + rows], option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    else:
        for index, item in enumerate(array):
            yield b"," if index else b"["
            yield from texts(item)
    yield b"]"
