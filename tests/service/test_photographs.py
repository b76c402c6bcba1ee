"""Photographs are read out of files at every depth, and what is none is refused."""

import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from service.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from service.images.decode import read
from service.images.formats import JPEG, PNG, WEBP
from service.images.png_chunks import MAX_CHUNKS
from tests.service.photograph_files import (
    KINDS,
    LIMIT,
    encoded,
    exif,
    joined,
    opened,
    samples,
    smooth,
)
from tests.service.png_files import chunk, file_of


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(("colour_type", "bands"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_a_png_is_read_at_its_full_depth(
    colour_type: int, bands: int, depth: int, interlaced: bool
) -> None:
    expected = samples(bands, depth)
    found = read(file_of(expected, colour_type, depth, interlaced=interlaced), LIMIT)
    assert found.media_type == PNG
    assert found.pixels.dtype == expected.dtype
    assert found.pixels.shape == ((21, 13, 3) if bands > 2 else (21, 13))
    assert (found.alpha is None) == (bands % 2 == 1)
    np.testing.assert_array_equal(joined(found), expected)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_gray_of_few_bits_becomes_8_bits(depth: int) -> None:
    values = samples(1, depth)
    found = read(file_of(values, 0, depth), LIMIT)
    np.testing.assert_array_equal(found.pixels, values[..., 0] * (255 // (2**depth - 1)))
    assert found.alpha is None


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_one_transparent_gray_becomes_an_alpha_channel(depth: int) -> None:
    values = samples(1, depth)
    key = int(values[3, 4, 0])
    found = read(file_of(values, 0, depth, chunk(b"tRNS", struct.pack(">H", key))), LIMIT)
    most = 65535 if depth == 16 else 255
    expected = np.where(values[..., 0] == key, 0, most)
    np.testing.assert_array_equal(found.alpha, expected)
    np.testing.assert_array_equal(found.pixels, values[..., 0] * (most // (2**depth - 1)))


@pytest.mark.parametrize("depth", [8, 16])
def test_one_transparent_colour_becomes_an_alpha_channel(depth: int) -> None:
    values = samples(3, depth)
    values[5, 6] = values[0, 0] = values[3, 3]
    values[1, 1], values[1, 1, 2] = values[3, 3], values[3, 3, 2] ^ 1
    key = chunk(b"tRNS", struct.pack(">HHH", *values[3, 3].tolist()))
    found = read(file_of(values, 2, depth, key), LIMIT)
    assert found.alpha is not None
    assert found.alpha.dtype == values.dtype
    assert {tuple(place) for place in np.argwhere(found.alpha == 0)} == {(0, 0), (3, 3), (5, 6)}
    assert found.alpha[1, 1] == np.iinfo(values.dtype).max
    np.testing.assert_array_equal(found.pixels, values)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("opacities", [None, [0], [255, 0], [7, 130, 255]])
def test_a_palette_becomes_colour_with_its_opacities(
    depth: int, opacities: list[int] | None
) -> None:
    places, colours = samples(1, depth), samples(3, 8, (2**depth, 1))[:, 0]
    alphas = np.full(2**depth, 255)
    colour_chunks = [chunk(b"PLTE", colours.tobytes())]
    if opacities is not None:
        opacities = opacities[: 2**depth]
        alphas[: len(opacities)] = opacities
        colour_chunks.append(chunk(b"tRNS", bytes(opacities)))
    found = read(file_of(places, 3, depth, *colour_chunks), LIMIT)
    np.testing.assert_array_equal(found.pixels, colours[places[..., 0]])
    if opacities is None:
        assert found.alpha is None
    else:
        np.testing.assert_array_equal(found.alpha, alphas[places[..., 0]])


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_read_as_gray_or_colour(mode: str, progressive: bool) -> None:
    body = encoded(smooth(mode), "JPEG", quality=95, progressive=progressive)
    found = read(body, LIMIT)
    assert found.media_type == JPEG
    assert found.pixels.dtype == np.uint8
    assert found.alpha is None
    np.testing.assert_array_equal(found.pixels, np.asarray(opened(body)))
    np.testing.assert_allclose(found.pixels, np.asarray(smooth(mode)), atol=12)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_is_read_as_colour_with_its_alpha(mode: str) -> None:
    picture = Image.fromarray(samples(len(mode)))
    found = read(encoded(picture, "WEBP", lossless=True, exact=True), LIMIT)
    assert found.media_type == WEBP
    np.testing.assert_array_equal(joined(found), samples(len(mode)))


def test_of_the_pictures_in_a_phones_file_the_first_is_read() -> None:
    preview = Image.new("RGB", (8, 8), "red")
    body = encoded(smooth(), "MPO", save_all=True, append_images=[preview], quality=95)
    assert opened(body).n_frames == 2  # type: ignore[attr-defined]
    found = read(body, LIMIT)
    assert found.media_type == JPEG
    np.testing.assert_allclose(found.pixels, np.asarray(smooth()), atol=12)


def test_a_cmyk_jpeg_becomes_rgb() -> None:
    inks = Image.new("CMYK", (16, 16), (200, 40, 0, 51))
    found = read(encoded(inks, "JPEG", quality=100), LIMIT)
    expected = [(255 - ink) * (255 - 51) / 255 for ink in (200, 40, 0)]
    np.testing.assert_allclose(found.pixels, np.broadcast_to(expected, (16, 16, 3)), atol=2)
    assert found.alpha is None


def test_a_ycck_jpeg_becomes_rgb() -> None:
    """Its planes are those of a CMYK file, of which three are told to be luminance and colour."""
    luminance, blueness, redness, key = 120, 140, 100, 204
    inks = tuple(255 - value for value in (luminance, blueness, redness, key))
    body = encoded(Image.new("CMYK", (16, 16), inks), "JPEG", quality=100)
    adobe = body.index(b"Adobe")
    assert body[adobe + 11] == 0
    found = read(body[: adobe + 11] + b"\x02" + body[adobe + 12 :], LIMIT)
    colours = (
        luminance + 1.402 * (redness - 128),
        luminance - 0.344136 * (blueness - 128) - 0.714136 * (redness - 128),
        luminance + 1.772 * (blueness - 128),
    )
    # The stored colours are those of what is not inked, as Adobe stores them: upside down.
    expected = [(255 - colour) * key / 255 for colour in colours]
    np.testing.assert_allclose(found.pixels, np.broadcast_to(expected, (16, 16, 3)), atol=2)


def upside_down_profile() -> bytes:
    """An ICC profile of inks by which full black ink is white, no ink black, other inks nothing."""
    corners = [bytes([255 * corner[3], 128, 128]) for corner in itertools.product([0, 1], repeat=4)]
    line = bytes(range(256))
    one, nothing = struct.pack(">i", 1 << 16), bytes(4)
    matrix = (one + nothing * 3) * 2 + one
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + line * 4 + b"".join(corners)
    table += line * 3
    texts = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061),
        b"cprt": b"text" + bytes(4) + b"CC0\0",
        b"A2B0": table,
    }
    at, directory, data = 132 + 12 * len(texts), struct.pack(">I", len(texts)), b""
    for name, content in texts.items():
        padded = content + bytes(-len(content) % 4)
        directory += struct.pack(">4sII", name, at + len(data), len(content))
        data += padded
    size = 128 + len(directory) + len(data)
    header = struct.pack(">I4sI4s4s4s", size, b"", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    header += struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + directory + data


@pytest.mark.parametrize(("ink", "expected"), [(0, 0), (255, 255)])
def test_inks_are_what_their_icc_profile_says(ink: int, expected: int) -> None:
    inks = Image.new("CMYK", (16, 16), (0, 0, 0, ink))
    body = encoded(inks, "JPEG", quality=100, icc_profile=upside_down_profile())
    found = read(body, LIMIT)
    np.testing.assert_allclose(found.pixels, expected, atol=3)
    assert found.metadata.icc is None  # it was of inks, and what is left is sRGB


def test_inks_with_a_broken_profile_are_as_without_one() -> None:
    inks = smooth("CMYK")
    broken = upside_down_profile()[:200]
    found = read(encoded(inks, "JPEG", icc_profile=broken), LIMIT)
    np.testing.assert_array_equal(found.pixels, read(encoded(inks, "JPEG"), LIMIT).pixels)


def test_a_body_may_be_a_view_of_memory() -> None:
    body = file_of(samples(3, 16), 2, 16)
    np.testing.assert_array_equal(read(memoryview(body), LIMIT).pixels, samples(3, 16))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_pictures_that_move_are_refused(kind: str) -> None:
    other = ImageOps.mirror(smooth())
    body = encoded(smooth(), kind, save_all=True, append_images=[other], duration=100)
    with pytest.raises(UnsupportedMediaType, match="does not move, received 2 frames"):
        read(body, LIMIT)


def of_size(width: int, height: int, media_type: str) -> bytes:
    """A small file, without its end, that says that it is a picture of this size."""
    if media_type == PNG:
        body = file_of(samples(3), 2, 8)
        header = body[12:16] + struct.pack(">II", width, height) + body[24:29]
        return body[:12] + header + struct.pack(">I", zlib.crc32(header)) + body[33:]
    if media_type == JPEG:
        body = encoded(smooth(), "JPEG")
        at = body.index(b"\xff\xc0") + 5
        return body[:at] + struct.pack(">HH", height, width) + body[at + 4 : -2]
    body = encoded(smooth(), "WEBP")
    at = body.index(b"\x9d\x01\x2a") + 3
    return body[:at] + struct.pack("<HH", width, height) + body[at + 4 :]


@pytest.mark.parametrize("media_type", KINDS)
@pytest.mark.parametrize(("width", "height"), [(1001, 1000), (16000, 16000)])
def test_a_bomb_is_refused_before_it_is_decoded(media_type: str, width: int, height: int) -> None:
    # Decoded, each of these would be found to be broken.
    with pytest.raises(BodyTooLarge, match="expected at most 1000000 pixels"):
        read(of_size(width, height, media_type), LIMIT)
    with pytest.raises(MalformedBody):
        read(of_size(1000, 1000, media_type), LIMIT)


@pytest.mark.slow
def test_a_file_of_nothing_but_chunks_is_refused() -> None:
    empty = np.zeros((1, 1, 1), np.uint8)
    most = file_of(empty, 0, 8, *[chunk(b"teSt", b"")] * (MAX_CHUNKS - 4))
    assert read(most, 1).pixels.shape == (1, 1)
    with pytest.raises(MalformedBody, match=f"at most {MAX_CHUNKS} chunks, received more"):
        read(file_of(empty, 0, 8, *[chunk(b"teSt", b"")] * MAX_CHUNKS), 1)


def test_pillows_own_limit_is_one_of_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(BodyTooLarge, match="660 pixels"):
        read(encoded(smooth(), "WEBP"), LIMIT)


def test_a_limit_of_pixels_is_met_exactly() -> None:
    body = file_of(samples(1), 0, 8)
    assert read(body, 21 * 13).pixels.shape == (21, 13)
    with pytest.raises(BodyTooLarge, match="received 13x21"):
        read(body, 21 * 13 - 1)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.004, 0.05, 0.3, 0.9])
@pytest.mark.parametrize("media_type", KINDS)
def test_a_truncated_file_is_malformed(media_type: str, share: float) -> None:
    body = encoded(Image.fromarray(samples(3, 8, (64, 64))), KINDS[media_type])
    with pytest.raises(MalformedBody, match="picture: expected a whole picture, received"):
        read(body[: int(len(body) * share)], LIMIT)


@pytest.mark.parametrize(("colour_type", "bands"), [(2, 3), (4, 2), (6, 4)])
def test_a_truncated_file_of_16_bits_is_malformed(colour_type: int, bands: int) -> None:
    body = file_of(samples(bands, 16), colour_type, 16)
    with pytest.raises(MalformedBody):
        read(body[: len(body) // 2], LIMIT)


@pytest.mark.parametrize("media_type", KINDS)
def test_bytes_that_were_changed_never_fail_but_as_malformed(media_type: str) -> None:
    body = bytearray(encoded(smooth(), KINDS[media_type], exif=b"Exif\0\0" + exif("<", 6)))
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        broken = bytearray(body)
        for place in random.integers(12, len(body), 4):
            broken[place] = random.integers(256)
        try:
            read(bytes(broken), LIMIT)
        except (MalformedBody, BodyTooLarge, UnsupportedMediaType):
            refused += 1
    assert refused
