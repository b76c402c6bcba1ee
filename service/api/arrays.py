"""Arrays in bodies: JSON of nested lists, and the .npy format of numpy."""

import io
import math
from typing import Any, NoReturn

import numpy as np
import orjson
from numpy.lib import format as npy
from numpy.typing import NDArray

from service.errors import InvalidValue, MalformedBody, ShapeMismatch
from service.inference.pixels import Floats

Array = NDArray[Any]
LARGEST = float(np.finfo(np.float32).max)
DEEPEST = 32
"""Dimensions of an array, more than any model takes."""


def read_json(body: bytes) -> Floats:
    """Return the array of {"inputs": nested lists of numbers} as float32.

    Raises MalformedBody where it is not JSON, InvalidValue where it holds anything else,
    ShapeMismatch where the lists are ragged.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(f"body: expected JSON, received: {error}") from error
    if not isinstance(document, dict) or set(document) != {"inputs"}:
        received = sorted(document) if isinstance(document, dict) else type(document).__name__
        raise InvalidValue(f'body: expected {{"inputs": [...]}}, received {received}')
    inputs = document["inputs"]
    if not isinstance(inputs, list):
        raise InvalidValue(f"inputs: expected nested lists, received {type(inputs).__name__}")
    if body.count(b'"') != 2 or any(word in body for word in (b"true", b"false", b"null")):
        _explain(inputs)  # and never let numpy make an array of text as wide as the longest one
    try:
        array = np.array(inputs)
    except (ValueError, OverflowError):
        array = np.array(None)  # numpy does not say where; _explain does
    floats = _narrowed(array) if array.dtype.kind in "iuf" else None
    if floats is None or not np.isfinite(floats).all():
        _explain(inputs)
    return floats


def write_json(model: str, version: int, outputs: Floats) -> bytes:
    """Return {"model", "version", "outputs"}, floats as the shortest text that reads back equal."""
    document = {"model": model, "version": version, "outputs": np.ascontiguousarray(outputs)}
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def read_npy(body: bytes) -> Array:
    """Return the array of a .npy file: float32 for any float type, or uint8 for pixels.

    Nothing is allocated from what the header claims. Raises MalformedBody where it is not a .npy
    file, or not of the size that it says, InvalidValue for other types of numbers.
    """
    stream = io.BytesIO(body)
    try:
        version = npy.read_magic(stream)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran_order, dtype = read_header(stream)
    except Exception as error:  # numpy reads the header as Python, and fails in as many ways
        raise MalformedBody(f"body: expected a .npy file, received: {error}") from error
    if len(shape) > DEEPEST or not all(type(size) is int and size >= 0 for size in shape):
        raise MalformedBody(f"body: expected a shape of sizes from 0, received {shape}")
    if dtype.kind != "f" and dtype != np.uint8:
        raise InvalidValue(
            f"body: expected an array of floats or of uint8 pixels, received {dtype}"
        )
    data = memoryview(body)[stream.tell() :]
    expected = math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        raise MalformedBody(
            f"body: expected {expected} bytes for {dtype} {shape}, received {len(data)}"
        )
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran_order else "C")
    if array.dtype == np.uint8:
        return array
    return _narrowed(array)


def write_npy(array: Array) -> bytes:
    """Return an array as numpy.save writes it."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _narrowed(array: Array) -> Floats:
    with np.errstate(over="ignore"):  # what is too large becomes inf, and is refused as such
        return np.ascontiguousarray(array, np.float32)


def _explain(inputs: list[Any]) -> NoReturn:
    """Raise for the first place where nested lists are not one array of numbers."""

    def shape_of(item: Any, path: str, depth: int = 0) -> tuple[int, ...]:
        if not isinstance(item, list):
            if isinstance(item, bool) or not isinstance(item, int | float):
                raise InvalidValue(f"{path}: expected a number, received {_shown(item)}")
            if abs(item) > LARGEST:
                raise InvalidValue(f"{path}: expected at most {LARGEST:.8g}, received {item}")
            return ()
        if depth == DEEPEST:
            raise ShapeMismatch(
                f"{path}: expected at most {DEEPEST} levels of lists, received more"
            )
        shapes = [shape_of(each, f"{path}[{index}]", depth + 1) for index, each in enumerate(item)]
        for index, shape in enumerate(shapes):
            if shape != shapes[0]:
                raise ShapeMismatch(
                    f"{path}[{index}]: expected the shape of {path}[0], {shapes[0]}, "
                    f"received {shape}"
                )
        return (len(item), *(shapes[0] if shapes else ()))

    shape = shape_of(inputs, "inputs")
    raise ShapeMismatch(
        f"inputs: expected one array of numbers, received it twice, or the shape {shape}"
    )


def _shown(item: Any) -> str:
    return orjson.dumps(item).decode()[:40]
