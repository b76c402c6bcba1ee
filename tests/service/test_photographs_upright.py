"""Photographs are made upright, as their EXIF orientation says."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from service.images.decode import read
from service.images.encode import write
from service.images.exif import made_upright
from service.images.formats import JPEG, PNG, TIFF, WEBP
from tests.service.photograph_files import (
    KINDS,
    LIMIT,
    XMP,
    encoded,
    exif,
    joined,
    opened,
    samples,
    smooth,
)
from tests.service.png_files import chunk, file_of

XMP_ELEMENT = XMP.replace(b'tiff:Orientation="6" ', b"").replace(b"/>", b"><tiff:Orientation>6<")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("media_type", KINDS)
def test_a_photograph_is_made_upright(media_type: str, orientation: int, order: str) -> None:
    prefix = b"" if media_type == WEBP else b"Exif\0\0"
    exif_data = prefix + exif(order, orientation)
    body = encoded(smooth(), KINDS[media_type], exif=exif_data, quality=95)
    expected = np.asarray(ImageOps.exif_transpose(opened(body)))
    assert expected.shape == ((33, 20, 3) if orientation > 4 else (20, 33, 3))
    np.testing.assert_array_equal(read(body, LIMIT).pixels, expected)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(("colour_type", "bands"), [(0, 1), (2, 3), (4, 2), (6, 4)])
@pytest.mark.parametrize(
    ("orientation", "turn"), [(3, 2), (6, 3), (8, 1)], ids=["half", "right", "left"]
)
def test_every_band_of_every_depth_is_turned(
    orientation: int, turn: int, colour_type: int, bands: int, depth: int
) -> None:
    exif_data = chunk(b"eXIf", exif("<", orientation))
    body = file_of(samples(bands, depth), colour_type, depth, exif_data)
    np.testing.assert_array_equal(joined(read(body, LIMIT)), np.rot90(samples(bands, depth), turn))


def test_a_picture_of_many_rows_is_turned_whole() -> None:
    pixels = samples(3, 8, (700, 9))
    turned = exif("<", 6)
    body = encoded(Image.fromarray(pixels), "PNG", exif=b"Exif\0\0" + turned)
    np.testing.assert_array_equal(read(body, LIMIT).pixels, np.rot90(pixels, 3))


def test_the_orientation_may_stand_after_the_pixels_of_a_png() -> None:
    body = file_of(samples(3), 2, 8)
    end = body[-12:]
    found = read(body[:-12] + chunk(b"eXIf", exif(">", 8)) + end, LIMIT)
    np.testing.assert_array_equal(found.pixels, np.rot90(samples(3)))


@pytest.mark.parametrize("xmp", [XMP, XMP_ELEMENT])
@pytest.mark.parametrize("media_type", KINDS)
def test_the_orientation_in_xmp_counts_for_nothing(media_type: str, xmp: bytes) -> None:
    """Browsers apply that of EXIF alone, and what reads XMP shows the result as it did before."""
    found = read(file_with(media_type, xmp), LIMIT)
    assert found.pixels.shape == (20, 33, 3)
    again = read(write(found, media_type), LIMIT)
    assert found.metadata.xmp == again.metadata.xmp == xmp


@pytest.mark.parametrize("xmp", [XMP, XMP_ELEMENT])
@pytest.mark.parametrize("media_type", KINDS)
def test_xmp_says_upright_where_that_of_exif_was_applied(media_type: str, xmp: bytes) -> None:
    found = read(file_with(media_type, xmp, exif("<", 6)), LIMIT)
    assert found.pixels.shape == (33, 20, 3)
    assert found.metadata.xmp == xmp.replace(b'"6"', b'"1"').replace(b">6<", b">1<")


def file_with(media_type: str, xmp: bytes, exif_data: bytes = b"") -> bytes:
    if media_type == PNG:
        chunks = [chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)]
        chunks += [chunk(b"eXIf", exif_data)] if exif_data else []
        return file_of(np.asarray(smooth()), 2, 8, *chunks)
    options = (
        {"exif": (b"" if media_type == WEBP else b"Exif\0\0") + exif_data} if exif_data else {}
    )
    return encoded(smooth(), KINDS[media_type], xmp=xmp, **options)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("at", [0, 8, 20, 83])
def test_a_thumbnail_that_begins_before_its_directory_erases_nothing(at: int, order: str) -> None:
    """The first directory of these data ends at 82, with four bytes of where the next one is."""
    exif_data = bytearray(exif(order, 1))
    place = exif_data.index(struct.pack(f"{order}HHI", 0x0201, 4, 1)) + 8
    exif_data[place : place + 4] = struct.pack(f"{order}I", at)
    _, upright = made_upright(bytes(exif_data))
    exif_data[82:86] = bytes(4)  # the thumbnail is unlinked
    assert upright == bytes(exif_data)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("at", "size"), [(86, 40), (100, 1)])
def test_a_thumbnail_behind_its_directory_is_erased(at: int, size: int, order: str) -> None:
    exif_data = bytearray(exif(order, 1))
    for tag, value in ((0x0201, at), (0x0202, size)):
        place = exif_data.index(struct.pack(f"{order}HHI", tag, 4, 1)) + 8
        exif_data[place : place + 4] = struct.pack(f"{order}I", value)
    _, upright = made_upright(bytes(exif_data))
    exif_data[82:86] = bytes(4)
    exif_data[at : at + size] = bytes(size)
    assert upright == bytes(exif_data)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_is_none_turns_nothing(orientation: int) -> None:
    body = file_of(samples(3), 2, 8, chunk(b"eXIf", exif("<", orientation)))
    np.testing.assert_array_equal(read(body, LIMIT).pixels, samples(3))


@pytest.mark.parametrize("second", [0, 1, 3, 6, 8])
def test_a_photograph_with_two_orientations_is_turned_once(second: int) -> None:
    exif_data = bytearray(exif("<", 6))
    place = exif_data.index(struct.pack("<HHI", 0x9C9B, 1, 2))
    struct.pack_into("<HHIHH", exif_data, place, 0x0112, 3, 1, second, 0)
    body = file_of(samples(3), 2, 8, chunk(b"eXIf", bytes(exif_data)))
    found = read(body, LIMIT)
    for kind in (PNG, JPEG, WEBP, TIFF):
        assert read(write(found, kind), LIMIT).pixels.shape == found.pixels.shape


@pytest.mark.parametrize("exif_data", [b"", b"MM", b"II*\0\x08\0\0", b"no EXIF data" * 9])
def test_what_is_no_exif_data_is_left_out_and_turns_nothing(exif_data: bytes) -> None:
    found = read(file_of(samples(3), 2, 8, chunk(b"eXIf", exif_data)), LIMIT)
    assert found.metadata.exif is None
    np.testing.assert_array_equal(found.pixels, samples(3))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("length", [8, 9, 10, 40, 57, 58, 70, 86, 110, 160])
def test_of_exif_data_that_are_cut_off_what_is_there_is_read(order: str, length: int) -> None:
    exif_data = exif(order, 6)[:length]
    found = read(file_of(samples(3), 2, 8, chunk(b"eXIf", exif_data)), LIMIT)
    quarters = 3 if length >= 58 else 0  # where the orientation ends
    np.testing.assert_array_equal(found.pixels, np.rot90(samples(3), quarters))
    assert found.metadata.exif is not None
    assert len(found.metadata.exif) == length
