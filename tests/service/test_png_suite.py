"""PNG files of every kind, compared with what went into them and with another decoder."""

import struct
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import png
import pytest
from numpy.typing import NDArray

from service.errors import MalformedBody, UnsupportedMediaType
from service.images.decode import read
from tests.service.photograph_files import LIMIT, joined
from tests.service.png_files import chunk, file_of
from tests.service.png_suite import MAKERS, PALETTE, Case, damaged, picture


def independent(case: Case) -> NDArray[Any]:
    """Pixels and alpha as bands, as pypng reads a file, over the range of its type."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pypng calls what numpy has deprecated
        width, height, rows, told = png.Reader(bytes=case.file).asDirect()
        values = np.array([list(row) for row in rows]).reshape(height, width, told["planes"])
    most: int = 2 ** told["bitdepth"] - 1
    return values * (65535 if most > 255 else 255) // most


@pytest.mark.parametrize("make", MAKERS)
def test_each_kind_of_png_is_read_as_another_decoder_reads_it(
    make: Callable[[], Iterator[Case]],
) -> None:
    for case in make():
        found = joined(read(case.file, LIMIT))
        np.testing.assert_array_equal(found, independent(case), case.name)


def is_refused(body: bytes) -> bool:
    try:
        read(body, LIMIT)
    except (MalformedBody, UnsupportedMediaType):
        return True
    return False


def test_damaged_png_files_are_refused() -> None:
    assert [name for name, body in damaged() if not is_refused(body)] == []


def test_a_png_that_ends_anywhere_is_refused() -> None:
    body = file_of(picture(2, 8, (4, 5)), 2, 8, piece=20)
    whole = body.rindex(b"IDAT")
    assert [length for length in range(2, whole) if not is_refused(body[:length])] == []


def test_a_byte_that_was_changed_in_the_data_of_a_png_changes_no_pixel() -> None:
    samples = picture(2, 8, (6, 7))
    body = file_of(samples, 2, 8)
    start = body.index(b"IDAT") + 4
    (length,) = struct.unpack_from(">I", body, start - 8)
    refused = 0
    for place in range(start, start + length):
        changed = bytearray(body)
        changed[place] ^= 0x10
        try:
            found = read(bytes(changed), LIMIT).pixels
        except MalformedBody:
            refused += 1
        else:
            np.testing.assert_array_equal(found, samples)
    assert refused > length // 2


def test_the_checksum_of_each_chunk_of_a_png_counts_if_pixels_depend_on_it() -> None:
    samples = picture(3, 4)
    chunks = chunk(b"PLTE", PALETTE[:16].tobytes()), chunk(b"tRNS", bytes(16))
    body = file_of(samples, 3, 4, *chunks)
    for name in (b"IHDR", b"PLTE", b"tRNS"):
        at = body.index(name)
        (length,) = struct.unpack_from(">I", body, at - 4)
        changed = bytearray(body)
        changed[at + 4 + length] ^= 1
        assert is_refused(bytes(changed))
