"""Photographs are made upright, as what was told with them says."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from service.images.decode import read
from service.images.encode import write
from service.images.photograph import (
    MEDIA_TYPES,
    PNG,
    WEBP,
)
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


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_a_photograph_is_made_upright(media_type: str, orientation: int, order: str) -> None:
    prefix = b"" if media_type == WEBP else b"Exif\0\0"
    told = prefix + exif(order, orientation)
    body = encoded(smooth(), KINDS[media_type], exif=told, quality=95)
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
    told = chunk(b"eXIf", exif("<", orientation))
    body = file_of(samples(bands, depth), colour_type, depth, told)
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


@pytest.mark.parametrize("xmp", [XMP, XMP.replace(b'="6"', b">6<").replace(b"<r", b"<tiff:")])
@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_xmp_tells_the_orientation_where_exif_does_not(media_type: str, xmp: bytes) -> None:
    if media_type == PNG:
        told = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
        body = file_of(np.asarray(smooth()), 2, 8, told)
    else:
        body = encoded(smooth(), KINDS[media_type], xmp=xmp)
    found = read(body, LIMIT)
    np.testing.assert_array_equal(found.pixels, np.rot90(np.asarray(opened(body)), 3))
    assert found.metadata.xmp is not None
    assert found.metadata.xmp == xmp.replace(b'"6"', b'"1"').replace(b">6<", b">1<")
    again = read(write(found, found.pixels, media_type), LIMIT)
    assert again.pixels.shape == found.pixels.shape == (33, 20, 3)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_is_none_turns_nothing(orientation: int) -> None:
    body = file_of(samples(3), 2, 8, chunk(b"eXIf", exif("<", orientation)))
    np.testing.assert_array_equal(read(body, LIMIT).pixels, samples(3))


@pytest.mark.parametrize("told", [b"", b"MM", b"II*\0\x08\0\0", b"no EXIF data" * 9])
def test_what_is_no_exif_data_is_left_out_and_turns_nothing(told: bytes) -> None:
    found = read(file_of(samples(3), 2, 8, chunk(b"eXIf", told)), LIMIT)
    assert found.metadata.exif is None
    np.testing.assert_array_equal(found.pixels, samples(3))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("length", [8, 9, 10, 40, 57, 58, 70, 86, 110, 160])
def test_of_exif_data_that_are_cut_off_what_is_there_is_read(order: str, length: int) -> None:
    told = exif(order, 6)[:length]
    found = read(file_of(samples(3), 2, 8, chunk(b"eXIf", told)), LIMIT)
    quarters = 3 if length >= 58 else 0  # where the orientation ends
    np.testing.assert_array_equal(found.pixels, np.rot90(samples(3), quarters))
    assert found.metadata.exif is not None
    assert len(found.metadata.exif) == length
