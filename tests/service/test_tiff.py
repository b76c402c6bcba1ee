"""TIFF files of every layout, read as an independent decoder reads them, and written losslessly."""

import io
import itertools
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from service.errors import MalformedBody, UnsupportedMediaType
from service.images.decode import media_type_of, open_image, read
from service.images.encode import write
from service.images.formats import RAW, TIFF
from tests.service.format_files import bayer, dng, tiff
from tests.service.photograph_files import (
    LIMIT,
    SRGB,
    UPRIGHT_XMP,
    XMP,
    encoded,
    exif,
    joined,
    opened,
    photograph,
    samples,
    smooth,
)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_every_layout_of_samples_is_read_exactly(order: str, depth: int, bands: int) -> None:
    values = samples(bands, depth, (37, 53))
    extra = {} if bands % 2 else {"extrasamples": ["unassalpha"]}
    for compression, planar, tile, big in itertools.product(
        (None, "zlib"), ("contig", "separate"), (None, (16, 32)), (False, True)
    ):
        if planar == "separate" and (bands == 1 or (big and (depth == 16 or bands == 2))):
            continue
        stored = values if planar == "contig" else np.moveaxis(values, 2, 0)
        body = tiff(
            np.squeeze(stored),
            byteorder=order,
            bigtiff=big,
            compression=compression,
            planarconfig=planar if bands > 1 else None,
            tile=tile,
            rowsperstrip=None if tile else 7,
            photometric="rgb" if bands > 2 else "minisblack",
            **extra,
        )
        found = read(body, LIMIT)
        assert found.pixels.dtype == values.dtype
        np.testing.assert_array_equal(np.atleast_3d(joined(found)), values)


def test_separate_planes_of_16_bits_in_a_bigtiff_are_refused_by_name() -> None:
    values = np.moveaxis(samples(3, 16), 2, 0)
    body = tiff(values, bigtiff=True, planarconfig="separate", photometric="rgb")
    with pytest.raises(UnsupportedMediaType, match="such planes in a BigTIFF"):
        read(body, LIMIT)


@pytest.mark.parametrize(
    ("mode", "compression"),
    [
        *itertools.product(
            ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16"],
            ["tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "raw"],
        ),
        ("1", "group3"),
        ("1", "group4"),
    ],
)
def test_what_pillow_writes_is_read_as_pillow_reads_it(mode: str, compression: str) -> None:
    if mode == "I;16":
        picture = Image.fromarray(samples(1, 16)[..., 0])
    else:
        picture = smooth("RGB").convert(mode)
    body = encoded(picture, "TIFF", compression=compression)
    shown = opened(body)
    if mode in ("1", "P", "CMYK"):
        shown = shown.convert("L" if mode == "1" else "RGB")
    np.testing.assert_array_equal(joined(read(body, LIMIT)), np.atleast_3d(np.asarray(shown)))


def test_jpeg_within_a_tiff_is_read() -> None:
    body = encoded(smooth(), "TIFF", compression="jpeg", quality=95)
    found = read(body, LIMIT).pixels.astype(int)
    assert np.abs(found - np.asarray(smooth())).mean() < 2


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("is_inverted", [False, True])
def test_few_bits_become_eight(bits: int, is_inverted: bool) -> None:
    values = samples(1, bits, (9, 16))[..., 0]
    packed = np.packbits(
        (values[..., None] >> np.arange(bits)[::-1] & 1).astype(np.uint8).reshape(9, -1), axis=1
    )
    body = patched(tiff(packed), {256: 16, 258: bits, 262: 0 if is_inverted else 1})
    expected = values * (255 // (2**bits - 1))
    shown = read(body, LIMIT).pixels
    np.testing.assert_array_equal(shown, 255 - expected if is_inverted else expected)


def patched(body: bytes, changes: dict[int, int]) -> bytes:
    """A little-endian file with other numbers in its first directory."""
    changed = bytearray(body)
    (start,) = struct.unpack_from("<I", body, 4)
    for at in range(start + 2, start + 2 + 12 * struct.unpack_from("<H", body, start)[0], 12):
        tag, kind = struct.unpack_from("<HH", body, at)
        if tag in changes:
            struct.pack_into("<H" if kind == 3 else "<I", changed, at + 8, changes[tag])
    return bytes(changed)


@pytest.mark.parametrize("depth", [8, 16])
def test_white_may_be_zero(depth: int) -> None:
    values = samples(1, depth)[..., 0]
    body = tiff(values, photometric="miniswhite")
    np.testing.assert_array_equal(read(body, LIMIT).pixels, 2**depth - 1 - values)


@pytest.mark.parametrize("depth", [8, 16])
def test_premultiplied_colours_are_divided(depth: int) -> None:
    largest = 2**depth - 1
    alpha = np.array([[0, largest // 2, largest]], f"u{depth // 8}")
    colour = np.array([[[0, 0, 0], [largest // 4, 0, largest // 2], [7, 8, 9]]], alpha.dtype)
    body = tiff(np.dstack([colour, alpha]), photometric="rgb", extrasamples=["assocalpha"])
    found = read(body, LIMIT)
    np.testing.assert_array_equal(found.alpha, alpha)
    expected = [[[0, 0, 0], [largest // 2, 0, largest], [7, 8, 9]]]
    assert np.abs(found.pixels.astype(int) - expected).max() <= 2


def test_samples_that_mean_nothing_are_left_out() -> None:
    values = samples(4)
    found = read(tiff(values, photometric="rgb", extrasamples=["unspecified"]), LIMIT)
    assert found.alpha is None
    np.testing.assert_array_equal(found.pixels, values[..., :3])


def test_inks_of_16_bits_become_srgb() -> None:
    inks = np.asarray(smooth("CMYK"))
    deep = read(tiff(inks.astype(np.uint16) * 257, photometric="separated"), LIMIT)
    shallow = read(tiff(inks, photometric="separated"), LIMIT)
    assert deep.pixels.dtype == np.uint8
    np.testing.assert_array_equal(deep.pixels, shallow.pixels)


@pytest.mark.parametrize(
    ("values", "options", "told"),
    [
        (np.zeros((9, 9), np.float32), {}, "no unsigned whole numbers"),
        (np.zeros((9, 9), np.int16), {}, "no unsigned whole numbers"),
        (np.zeros((9, 9), np.uint32), {}, "1 samples of 32 bits"),
        (np.zeros((9, 9, 3), np.uint8), {"photometric": "cielab"}, "photometric interpretation 8"),
        (np.zeros((9, 9, 5), np.uint8), {"photometric": "rgb"}, "5 samples of 8 bits"),
        (np.zeros((9, 9), np.uint8), {"compression": "lzma"}, "compression 34925"),
    ],
)
def test_what_is_not_read_is_refused_by_name(values: Any, options: Any, told: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=f"received .*{told}"):
        open_image(tiff(values, **options))


def test_several_pages_are_refused_and_thumbnails_are_none() -> None:
    page, small = samples(3), samples(3)[::2, ::2]
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as file:
        file.write(page, photometric="rgb", metadata=None)
        file.write(small, photometric="rgb", subfiletype=1, metadata=None)
    np.testing.assert_array_equal(read(stream.getvalue(), LIMIT).pixels, page)
    with tifffile.TiffWriter(stream := io.BytesIO()) as file:
        for _ in range(3):
            file.write(page, photometric="rgb", metadata=None)
    with pytest.raises(UnsupportedMediaType, match="a TIFF of one page, received 3 pages"):
        open_image(stream.getvalue())


@pytest.mark.parametrize("order", "<>")
def test_a_raw_file_is_not_taken_for_a_tiff(order: str) -> None:
    assert media_type_of(dng(bayer(), order)) == RAW
    assert media_type_of(tiff(samples(3), byteorder=order)) == TIFF


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_once(orientation: int) -> None:
    values = samples(3)
    body = tiff(values, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    found = read(body, LIMIT)
    shown = opened(encoded(Image.fromarray(values), "PNG", exif=exif("<", orientation)))
    from PIL import ImageOps

    np.testing.assert_array_equal(found.pixels, np.asarray(ImageOps.exif_transpose(shown)))
    again = read(write(found, TIFF), LIMIT)
    np.testing.assert_array_equal(again.pixels, found.pixels)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_what_is_written_is_read_by_others(order: str, depth: int, bands: int) -> None:
    values = samples(bands, depth, (300, 401))
    pixels = values[..., 0] if bands < 3 else values[..., :3]
    taken = photograph(
        pixels,
        None if bands % 2 else values[..., -1],
        exif=exif(order, 1),
        xmp=UPRIGHT_XMP,
        icc=SRGB if bands > 2 else None,
        dpi=(300.0, 150.0),
    )
    body = write(taken, TIFF)
    with tifffile.TiffFile(io.BytesIO(body)) as file:
        tags = file.pages.first.tags
        assert file.byteorder == order
        assert tags["Make"].value == "Maker of cameras"
        assert tags["XResolution"].value == (300 * 4096, 4096)
        assert tags["XMP"].value == UPRIGHT_XMP
        assert bytes(tags["ExifTag"].value["MakerNote"]) == bytes(range(40))
    if (bands, depth) != (2, 16) and not (bands > 2 and depth == 16):
        np.testing.assert_array_equal(np.atleast_3d(np.asarray(opened(body))), values)
    found = read(body, LIMIT)
    np.testing.assert_array_equal(np.atleast_3d(joined(found)), values)
    assert found.metadata.icc == (SRGB if bands > 2 else None)
    assert found.metadata.dpi == (300.0, 150.0)


def test_metadata_survive_a_tiff() -> None:
    data = Image.Exif()
    data.load(b"Exif\0\0" + exif("<", 6))
    data[700] = XMP
    body = encoded(smooth(), "TIFF", exif=data, icc_profile=SRGB)
    found = read(body, LIMIT)
    assert found.pixels.shape == (33, 20, 3)
    assert found.metadata.icc == SRGB
    assert found.metadata.xmp == UPRIGHT_XMP
    assert found.metadata.exif
    assert b"Maker of cameras" in found.metadata.exif
    assert bytes(range(40)) in found.metadata.exif


def test_a_directory_that_points_to_the_same_bytes_many_times_is_bounded() -> None:
    count, size = 4000, 8_000_000
    entries = b"".join(struct.pack("<HHII", 40_000 + n % 90, 2, size, 8) for n in range(count))
    body = tiff(samples(3), photometric="rgb", extratags=[(34665, 4, 1, 0, True)])
    at = len(body) + len(body) % 2
    body = patched(body, {34665: at}).ljust(at, b"\0")
    body += struct.pack("<H", count) + entries + bytes(4 + size)
    found = open_image(body).exif()
    assert found is None or len(found) < 1 << 25


@pytest.mark.parametrize("changes", [{256: 0}, {322: 1 << 30}, {258: 3}, {277: 9}])
def test_a_directory_of_impossible_sizes_is_refused(changes: dict[int, int]) -> None:
    body = tiff(samples(1)[..., 0], tile=(16, 16))
    with pytest.raises((MalformedBody, UnsupportedMediaType)):
        read(patched(body, changes), LIMIT)


def test_the_colours_of_a_palette_are_rounded() -> None:
    colours = np.random.default_rng(0).integers(0, 65536, (3, 256), dtype=np.uint16)
    indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
    body = tiff(indices, photometric="palette", colormap=colours)
    expected = np.floor(colours.T[indices] / 257 + 0.5)
    np.testing.assert_array_equal(read(body, LIMIT).pixels, expected)
    padded = tiff(indices, photometric="palette", colormap=colours >> 8 << 8)  # as Pillow writes
    np.testing.assert_array_equal(read(padded, LIMIT).pixels, (colours >> 8).T[indices])
    narrow = tiff(indices, photometric="palette", colormap=colours // 257)  # of 8 bits, as some are
    np.testing.assert_array_equal(read(narrow, LIMIT).pixels, (colours // 257).T[indices])
