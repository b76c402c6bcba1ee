"""Tensors of a request, in JSON or as bytes, as arrays."""

import contextlib
import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from service.api.codecs.json_errors import Unexplained, explain, shown
from service.api.codecs.npy import MOST_DIMENSIONS
from service.errors import InvalidValue, MalformedBody, ShapeMismatch

Array = NDArray[Any]
DTYPES: Mapping[str, np.dtype[Any]] = {
    "FP32": np.dtype("<f4"),
    "UINT8": np.dtype("u1"),
    "INT64": np.dtype("<i8"),
}


def read(
    name: str, tensor: Mapping[str, Any], data: memoryview | None, datatypes: Sequence[str]
) -> Array:
    """Return the array of a tensor, in its shape.

    Args:
        name: The tensor's name.
        tensor: The object that describes it; its numbers may be nested or in a row.
        data: Its numbers as bytes, little-endian and row by row; None if they are in the JSON. They
            are not copied if they are aligned.
        datatypes: Names in DTYPES that it may have.

    Raises:
        InvalidValue: The datatype is another, or the shape is none.
        Unexplained: The lists are ragged, or an item is no number of the datatype.
        ShapeMismatch: The JSON has more or fewer numbers than the shape.
        MalformedBody: There are more or fewer bytes than the shape takes.
    """
    datatype = tensor.get("datatype")
    if not isinstance(datatype, str) or datatype not in datatypes:
        raise InvalidValue(
            f"{name}: expected the datatype {' or '.join(datatypes)}, received {shown(datatype)}"
        )
    shape = _shape(name, tensor.get("shape"))
    if data is not None:
        return _from_bytes(name, data, datatype, shape)
    return _from_lists(f"{name}.data", tensor.get("data"), datatype, shape)


def aligned(array: Array) -> Array:
    """Return an array whose numbers are aligned, as bytes after JSON of any length may not be.

    One copy costs less than a single pass over unaligned numbers.
    """
    return array if array.flags.aligned else array.copy()


def _shape(name: str, sizes: Any) -> tuple[int, ...]:
    fits = (
        isinstance(sizes, list)
        and len(sizes) <= MOST_DIMENSIONS
        # JSON Schema takes 4.0 for an integer.
        and all((type(each) is int or _is_whole(each)) and each > 0 for each in sizes)
    )
    if not fits:
        raise InvalidValue(f"{name}.shape: expected sizes from 1, received {shown(sizes)}")
    return tuple(map(int, sizes))


def _is_whole(size: Any) -> bool:
    return isinstance(size, float) and size.is_integer()


def _from_bytes(name: str, data: memoryview, datatype: str, shape: tuple[int, ...]) -> Array:
    dtype = DTYPES[datatype]
    expected = math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        raise MalformedBody(
            f"{name}: expected {expected} bytes for {datatype} {shape}, received {len(data)}"
        )
    return aligned(np.frombuffer(data, dtype)).reshape(shape)


def _from_lists(name: str, data: Any, datatype: str, shape: tuple[int, ...]) -> Array:
    if not isinstance(data, list):
        raise InvalidValue(f"{name}: expected a list of numbers, received {shown(data)}")
    array = _numbers(name, data, DTYPES[datatype])
    if array.shape != shape and (array.ndim > 1 or array.size != math.prod(shape)):
        raise ShapeMismatch(
            f"{name}: expected the shape {shape}, or its {math.prod(shape)} numbers in a row, "
            f"received {array.shape}"
        )
    return array.reshape(shape)


@np.errstate(over="raise")
def _numbers(name: str, data: list[Any], dtype: np.dtype[Any]) -> Array:
    numbers = _in_a_row(data)
    # numpy converts text and booleans to numbers, so the types are checked first.
    if set(map(type, numbers)) <= ({int, float} if dtype.kind == "f" else {int}):
        with contextlib.suppress(ValueError, TypeError, OverflowError, FloatingPointError):
            return np.array(data, dtype)
    raise Unexplained(partial(_explain, name, data, numbers, dtype))


def _in_a_row(data: list[Any]) -> list[Any]:
    """Return the items of nested lists, as far as they can be flattened."""
    with contextlib.suppress(TypeError):  # a number beside lists
        while data and isinstance(data[0], list):
            data = list(chain.from_iterable(data))
    return data


def _explain(name: str, data: list[Any], numbers: list[Any], dtype: np.dtype[Any]) -> NoReturn:
    if dtype.kind != "f":
        least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        for each in numbers:
            if isinstance(each, float) or (isinstance(each, int) and not least <= each <= most):
                raise InvalidValue(
                    f"{name}: expected whole numbers from {least} to {most}, received {shown(each)}"
                )
    explain(data, name=name)
