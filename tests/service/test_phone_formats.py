"""HEIC, AVIF, BMP, GIF and raw files: orientation, depth, colour and metadata."""

import io
import struct

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageOps

from service.errors import MalformedBody, ServiceError, UnsupportedMediaType
from service.images import gif_decoder
from service.images.decode import decode, open_image, read
from service.images.encode import write
from service.images.formats import AVIF, HEIC, JPEG, PNG, TIFF
from service.images.isobmff import primary_properties
from service.images.photograph import ColourChunks
from tests.service.format_files import bayer, deep_heic, dng, heic
from tests.service.photograph_files import (
    LIMIT,
    SRGB,
    UPRIGHT_XMP,
    XMP,
    encoded,
    exif,
    opened,
    photograph,
    smooth,
)
from tests.service.png_files import chunks_of


def turned(orientation: int) -> Image.Image:
    """The smooth picture, as its EXIF orientation turns it."""
    return ImageOps.exif_transpose(opened(encoded(smooth(), "PNG", exif=exif("<", orientation))))


@pytest.mark.parametrize("kind", [AVIF, HEIC])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_the_container_is_applied_once(kind: str, orientation: int) -> None:
    data = b"Exif\0\0" + exif("<", orientation)
    if kind == HEIC:
        body = heic(smooth(), exif=data)
    else:
        body = encoded(smooth(), "AVIF", quality=95, subsampling="4:4:4", exif=data)
    found = read(body, LIMIT)
    expected = np.asarray(turned(orientation)).astype(int)
    assert found.pixels.shape == expected.shape
    assert np.abs(found.pixels - expected).mean() < 2
    again = read(write(found, kind), LIMIT)
    assert np.abs(again.pixels - expected).mean() < 3


@pytest.mark.parametrize("kind", [AVIF, HEIC])
def test_the_orientation_of_exif_alone_turns_nothing(kind: str) -> None:
    upright = b"Exif\0\0" + exif("<", 1)
    body = heic(smooth(), exif=upright) if kind == HEIC else encoded(smooth(), "AVIF", exif=upright)
    place = upright.index(struct.pack("<HHI", 0x0112, 3, 1)) + 8
    turned_in_exif = upright[6:place] + b"\6\0" + upright[place + 2 :]
    if kind == AVIF:  # Pillow takes the tag out
        body = avif_turned_in_exif()
    else:
        assert upright[6:] in body
        body = body.replace(upright[6:], turned_in_exif)
    assert read(body, LIMIT).pixels.shape == (20, 33, 3)
    assert open_image(body).size == (33, 20)


def avif_turned_in_exif() -> bytes:
    """An AVIF whose EXIF data alone have an orientation."""
    body = encoded(smooth(), "AVIF", exif=b"Exif\0\0" + b"II*\0\x08\0\0\0" + b"\0\0" * 90)
    start = body.index(b"II*\0\x08\0\0\0")
    small = b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)
    return body[:start] + small + body[start + len(small) :]


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("bands", [3, 4])
def test_heic_of_more_than_8_bits_becomes_16(bits: int, bands: int) -> None:
    across = np.linspace(0, 65535, 64).astype(np.uint16)
    values = np.empty((32, 64, bands), np.uint16)
    values[...] = across[None, :, None]
    found = read(deep_heic(values, bits), LIMIT)
    assert found.pixels.dtype == np.uint16
    assert np.abs(found.pixels.astype(int) - values[..., :3]).mean() < 400
    assert found.pixels.max() > 65000
    assert len(np.unique(found.pixels[..., 0])) > 40
    if bands == 4:
        assert found.alpha is not None
        assert np.abs(found.alpha.astype(int) - values[..., 3]).mean() < 400
    again = read(write(found, HEIC), LIMIT)
    assert again.pixels.dtype == np.uint16
    assert read(write(found, JPEG), LIMIT).pixels.dtype == np.uint8 if bands == 3 else True


@pytest.mark.parametrize("kind", [AVIF, HEIC, TIFF])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_gray_and_alpha_survive(kind: str, bands: int) -> None:
    picture = np.asarray(smooth("RGBA" if bands % 2 == 0 else "RGB")).copy()
    pixels = picture[..., 0] if bands < 3 else picture[..., :3]
    alpha = None if bands % 2 else picture[..., 0]
    found = read(write(photograph(pixels, alpha), kind), LIMIT)
    shown = found.pixels if found.pixels.ndim == pixels.ndim else found.pixels[..., 0]
    assert np.abs(shown.astype(int) - pixels).mean() < 3
    assert (found.alpha is None) == (alpha is None)
    if alpha is not None and found.alpha is not None:
        assert np.abs(found.alpha.astype(int) - alpha).mean() < 3


@pytest.mark.parametrize("kind", [AVIF, HEIC, TIFF])
def test_metadata_survive(kind: str) -> None:
    data = exif("<", 1)
    taken = photograph(np.asarray(smooth()), exif=data, xmp=XMP, icc=SRGB)
    found = read(write(taken, kind), LIMIT).metadata
    assert found.icc == SRGB
    assert found.xmp == UPRIGHT_XMP
    assert found.exif
    for content in (b"Maker of cameras", bytes(range(40))):
        assert content in found.exif


def test_the_code_points_of_a_colour_space_reach_other_formats() -> None:
    body = bytearray(encoded(smooth(), "AVIF", quality=95))
    at = bytes(body).index(b"nclx") + 4
    body[at : at + 4] = struct.pack(">HH", 12, 13)
    found = read(bytes(body), LIMIT)
    assert found.metadata.colour == ColourChunks(bytes([12, 13, 0, 1]))
    assert chunks_of(write(found, PNG))[b"cICP"] == bytes([12, 13, 0, 1])
    for kind in (JPEG, TIFF, HEIC, AVIF):
        icc = read(write(found, kind), LIMIT).metadata.icc
        assert icc
        assert icc[16:20] == b"RGB "


def test_heic_says_its_colour_space_by_code_points() -> None:
    body = heic(smooth(), color_primaries=12, transfer_characteristics=13, matrix_coefficients=6)
    assert read(body, LIMIT).metadata.colour == ColourChunks(bytes([12, 13, 0, 1]))


def test_the_properties_of_gain_maps_and_films_go() -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-'
        b'rdf-syntax-ns#"><rdf:Description xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/" '
        b'HDRGainMap:HDRGainMapVersion="65536" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        b'dc:rights="CC0"/></rdf:RDF></x:xmpmeta>'
    )
    for body in (heic(xmp=packet), encoded(smooth(), "AVIF", xmp=packet)):
        xmp = read(body, LIMIT).metadata.xmp
        assert xmp
        assert b"GainMap" not in xmp
        assert b"CC0" in xmp


def test_a_packet_that_describes_appended_files_alone_goes_as_a_whole() -> None:
    packet = b'<c:Directory xmlns:c="http://ns.google.com/photos/1.0/container/"/>'
    assert read(encoded(smooth(), "AVIF", xmp=packet), LIMIT).metadata.xmp is None


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


@pytest.mark.parametrize(
    ("primary", "associations"), [(b"", bytes(20)), (bytes(6), b""), (bytes(6), bytes(3))]
)
def test_boxes_that_are_too_short_name_no_properties(primary: bytes, associations: bytes) -> None:
    properties = box(b"ipco", box(b"colr")) + box(b"ipma", associations)
    content = box(b"pitm", primary) + box(b"iprp", properties)
    assert primary_properties(memoryview(box(b"meta", bytes(4) + content))) == []


def test_only_the_primary_picture_of_a_heic_is_read() -> None:
    file = pillow_heif.from_pillow(smooth())
    file.add_from_pillow(Image.new("RGB", (90, 80), "red"))
    stream = io.BytesIO()
    file.save(stream, quality=95, chroma=444, primary_index=0)
    found = read(stream.getvalue(), LIMIT)
    assert np.abs(found.pixels.astype(int) - np.asarray(smooth())).mean() < 2


def test_bmp_of_run_lengths_is_refused_by_name() -> None:
    body = bytearray(encoded(smooth("P"), "BMP"))
    body[30] = 1
    with pytest.raises(UnsupportedMediaType, match="expected BMP without run lengths"):
        open_image(bytes(body))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_bmp_is_read_as_pillow_reads_it(mode: str) -> None:
    picture = smooth("RGB").convert(mode)
    found = read(encoded(picture, "BMP", dpi=(300, 300)), LIMIT)
    shown = opened(encoded(picture, "BMP"))
    shown = (
        shown
        if shown.mode in ("L", "RGB", "RGBA")
        else shown.convert("L" if mode == "1" else "RGB")
    )
    np.testing.assert_array_equal(
        np.dstack([found.pixels]), np.atleast_3d(np.asarray(shown))[..., :3]
    )
    assert found.metadata.dpi
    assert round(found.metadata.dpi[0]) == 300


def test_the_transparency_of_a_gif_is_kept() -> None:
    picture = smooth("P")
    found = read(encoded(picture, "GIF", transparency=picture.getpixel((0, 0))), LIMIT)
    assert found.alpha is not None
    assert found.alpha[0, 0] == 0


def test_a_gif_of_many_comments_is_read_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    body = encoded(smooth("P"), "GIF")
    start = 13 + (3 << (body[10] & 7) + 1)
    comment = b"!\xfe" + b"\xff".ljust(256, b"x") * 20_000 + b"\0"
    expected = read(body, LIMIT).pixels
    np.testing.assert_array_equal(
        read(body[:start] + comment + body[start:], LIMIT).pixels, expected
    )
    monkeypatch.setattr(gif_decoder, "MAX_BLOCKS", 10_000)
    with pytest.raises(MalformedBody):
        open_image(body[:start] + comment + body[start:])


@pytest.mark.parametrize(("bits", "masks"), [((5, 6, 5), True), ((5, 5, 5), False)])
def test_bmp_of_16_bits_a_pixel_is_rounded(bits: tuple[int, int, int], masks: bool) -> None:
    red, green, blue = bits
    values = np.arange(1 << 16, dtype="<u2").reshape(256, 256) & ((1 << sum(bits)) - 1)
    fields = [(1 << red) - 1 << green + blue, (1 << green) - 1 << blue, (1 << blue) - 1]
    table = struct.pack("<3I", *fields) if masks else b""
    start = 54 + len(table)
    header = struct.pack("<2sIII", b"BM", start + values.nbytes, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, 256, -256, 1, 16, 3 * masks, values.nbytes, 0, 0, 0, 0)
    found = read(header + info + table + values.tobytes(), LIMIT).pixels
    for band, (count, shift) in enumerate(zip(bits, (green + blue, blue, 0), strict=True)):
        most = (1 << count) - 1
        expected = np.floor((values >> shift & most) * 255 / most + 0.5)
        np.testing.assert_array_equal(found[..., band], expected)


@pytest.mark.parametrize("order", "<>")
def test_a_raw_file_is_developed_to_16_bits(order: str) -> None:
    found = read(dng(bayer(), order), LIMIT)
    assert found.pixels.dtype == np.uint16
    rows = found.pixels.mean(axis=(1, 2))
    assert (np.diff(rows) >= 0).all()
    assert rows[-1] > 2 * rows[0]
    assert np.ptp(found.pixels.astype(int), axis=2).mean() < 2000  # a gray scene
    assert found.metadata.exif
    assert b"Sensor" in found.metadata.exif
    assert read(write(found, TIFF), LIMIT).pixels.dtype == np.uint16


def test_a_raw_file_without_colours_is_gray() -> None:
    found = read(dng(bayer(), photometric=34892), LIMIT)
    assert found.pixels.shape == (32, 48)
    assert (np.diff(found.pixels.mean(axis=1)) >= 0).all()
    assert read(write(found, TIFF), LIMIT).pixels.shape == (32, 48)


@pytest.mark.parametrize("name", ["heic", "avif", "tiff", "jp2", "gif", "bmp", "jxl", "raw"])
def test_a_damaged_file_is_read_or_refused_and_nothing_else(name: str) -> None:
    from tests.service.format_files import every

    body, chance = every()[name], np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(body)
        for _ in range(chance.integers(1, 6)):
            place = int(chance.integers(4, len(damaged)))
            damaged[place] = int(chance.integers(0, 256))
        if chance.integers(4) == 0:
            start = int(chance.integers(12, len(damaged)))
            del damaged[start : start + int(chance.integers(1, 64))]
        try:
            found = decode(open_image(bytes(damaged), 100_000))
        except ServiceError:
            continue
        assert found.pixels.shape[0] * found.pixels.shape[1] <= 200_000
