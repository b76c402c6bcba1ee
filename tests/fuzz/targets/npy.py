"""The .npy format, compared with NumPy's own reader."""

import io
import math
import warnings

import numpy as np
from numpy.lib import format as form

from service.api.codecs import npy
from service.errors import InvalidValue, MalformedBody
from tests.fuzz.target import Fault, Target


def run(data: bytes) -> None:
    second = data[:6] + b"\2" + data[7:] if data[6:7] == b"\3" else data  # but for field names
    stream = io.BytesIO(second)
    try:
        array = npy.read(data)
    except (InvalidValue, MalformedBody) as error:
        if _is_to_be_read(stream):
            raise Fault("expected an array, received a refusal") from error
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.lib.format.read_array(stream, allow_pickle=False)
    if array.dtype != np.uint8:
        with np.errstate(over="ignore"):
            expected = expected.astype(np.float32)
    again = npy.read(b"".join(npy.write(array)))
    for each in (expected, again):
        if array.shape != each.shape or array.tobytes() != each.tobytes():
            raise Fault(f"expected {each!r}, received {array!r}")


def _is_to_be_read(stream: io.BytesIO) -> bool:
    """Return whether NumPy reads a file, and the service has no reason that it documents not to."""
    versions = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            shape, _, dtype = versions[form.read_magic(stream)](stream)
            if dtype.kind != "f" and dtype != np.uint8:
                return False
            head = stream.tell()
            stream.seek(0)
            form.read_array(stream, allow_pickle=False)
        except Exception:  # noqa: BLE001 - NumPy fails in many ways
            return False
    return (
        not stream.read(1)  # nothing follows
        and head <= npy.LONGEST_HEADER
        and len(shape) <= npy.MOST_DIMENSIONS
        and shape[:1] != (0,)
        and all(type(size) is int for size in shape)  # True is none
        and math.prod(size or 1 for size in shape) <= npy.LARGEST
    )


def seeds() -> list[bytes]:
    arrays = (
        np.zeros((1, 4, 4), np.uint8),
        np.arange(6, dtype=np.float32).reshape(1, 2, 3),
        np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
        np.ones((2, 1), ">f2"),
        np.ones((1, 1), np.int64),
        np.array([["text"]], object),
    )
    files = []
    for array in arrays:
        for version in ((1, 0), (2, 0), (3, 0)):
            stream = io.BytesIO()
            np.lib.format.write_array(stream, array, version)
            files.append(stream.getvalue())
    return files


WORDS = (b"\x93NUMPY\1\0", b"'descr': '<f4'", b"'fortran_order': True", b"'shape': (1, 2)", b">f8")
TARGET = Target(run, seeds, share=200, longest=512, words=WORDS)
