"""A .npy file of which a few rows are read at a time, from a disk or a store."""

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from service.errors import InvalidValue
from service.files.location import Location, read_range

HEAD = 1024
"""Bytes that hold the header; numpy writes 128 for arrays of a few dimensions."""


@dataclass(frozen=True)
class NpyFile:
    """An array (items, ...) in a file.

    Attributes:
        source: The file.
        shape: Its shape.
        dtype: uint8, or a type of floats.
        start: The byte at which its numbers begin.
    """

    source: Location
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int

    @classmethod
    def open(cls, source: Location) -> "NpyFile":
        """Read the header (NumPy Enhancement Proposal 1).

        Raises:
            InvalidValue: It is no .npy file of pixels or floats in C order.
            StoreError: Its store cannot be read.
        """
        stream = io.BytesIO(read_range(source, 0, HEAD))
        try:
            version = npy.read_magic(stream)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, is_fortran, dtype = read(stream)
        except ValueError as error:
            raise InvalidValue(f"{source}: expected a .npy file, received: {error}") from error
        if is_fortran or not shape or (dtype.kind != "f" and dtype != np.uint8):
            raise InvalidValue(
                f"{source}: expected an array (items, ...) of floats or of uint8 pixels in C "
                f"order, received {dtype} {shape}" + " in Fortran order" * is_fortran
            )
        return cls(source, shape, dtype, stream.tell())

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """Return some rows.

        Raises:
            InvalidValue: The file is shorter than its header says.
            StoreError: Its store cannot be read.
        """
        size = math.prod(self.shape[1:]) * self.dtype.itemsize
        expected = (stop - start) * size
        body = read_range(self.source, self.start + start * size, expected)
        if len(body) != expected:
            raise InvalidValue(f"{self.source}: expected {self.shape}, received a shorter file")
        return np.frombuffer(body, self.dtype).reshape(stop - start, *self.shape[1:])
