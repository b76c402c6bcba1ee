"""The .npy format: one array, as numpy.save writes it (NumPy Enhancement Proposal 1)."""

import functools
import io
import math
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from service.errors import InvalidValue, MalformedBody
from service.inference.pixels import Floats

Array = NDArray[Any]
MOST_DIMENSIONS = 32
"""Most dimensions of an array; no model takes as many."""
LARGEST = 2**48
"""Most numbers in an array; no body has as many."""
VERSIONS = ((1, 0), (2, 0), (3, 0))
LONGEST_HEADER = 1024
"""Bytes of a header; numpy writes 128 for arrays that a model takes."""


def read(body: bytes | memoryview) -> Array:
    """Return the array of a .npy file.

    No memory is allocated by what the header claims, and none is copied if the type is right.

    Args:
        body: The file, of one of VERSIONS.

    Returns:
        uint8 as it is, any float type as float32.

    Raises:
        MalformedBody: It is not a .npy file, or its size is not as its header says.
        InvalidValue: It has another type of numbers, or an empty batch.
    """
    start = _end_of_header(body)
    shape, fortran_order, dtype = _header(bytes(body[:start]))
    data = memoryview(body)[start:]
    expected = math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        raise MalformedBody(
            f"body: expected {expected} bytes for {dtype} {shape}, received {len(data)}"
        )
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran_order else "C")
    return array if array.dtype == np.uint8 else narrowed(array)


def write(array: Array) -> tuple[bytes, memoryview]:
    """Return an array as numpy.save writes it: the header, and the data without a copy."""
    contiguous = np.ascontiguousarray(array)
    return _written_header(contiguous.shape, contiguous.dtype), contiguous.data.cast("B")


def narrowed(array: Array) -> Floats:
    """Return an array as contiguous float32; larger numbers become inf, which check() refuses."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, np.float32)


def _end_of_header(body: bytes | memoryview) -> int:
    # The magic, two bytes of version, then the header's length in 2 bytes, or 4 from version 2.0.
    width = 2 if body[6:7] == b"\x01" else 4
    end = 8 + width + int.from_bytes(body[8 : 8 + width], "little")
    if bytes(body[:6]) != npy.MAGIC_PREFIX or end > min(len(body), LONGEST_HEADER):
        raise MalformedBody("body: expected a .npy file, received another, or the start of one")
    return end


@functools.lru_cache(256)
def _written_header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    stream = io.BytesIO()
    described = {"shape": shape, "fortran_order": False, "descr": npy.dtype_to_descr(dtype)}
    npy.write_array_header_1_0(stream, described)
    return stream.getvalue()


@functools.lru_cache(256)  # few shapes are sent, and a header takes longer to parse than an array
def _header(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    stream = io.BytesIO(header)
    try:
        version = npy.read_magic(stream)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran_order, dtype = read_header(stream)
    except Exception as error:  # numpy evaluates the header as Python, which fails in many ways
        raise MalformedBody(f"body: expected a .npy file, received: {error}") from error
    if version not in VERSIONS:
        raise MalformedBody(
            f"body: expected a .npy file of version 1.0, 2.0 or 3.0, received "
            f"{'.'.join(map(str, version))}"
        )
    # Beside a size of 0, the others may be too large for numpy.
    fits = all(type(size) is int and size >= 0 for size in shape)
    if not fits or len(shape) > MOST_DIMENSIONS or math.prod(s or 1 for s in shape) > LARGEST:
        raise MalformedBody(f"body: expected a shape of sizes from 0, received {shape}")
    if dtype.kind != "f" and dtype != np.uint8:
        raise InvalidValue(
            f"body: expected an array of floats or of uint8 pixels, received {dtype}"
        )
    if shape[:1] == (0,):
        raise InvalidValue("inputs: expected at least one, received none")
    return shape, fortran_order, dtype
