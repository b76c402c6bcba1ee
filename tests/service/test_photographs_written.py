"""Photographs are written into files with nothing lost that the format can hold."""

import numpy as np
import pytest
from PIL import Image

from service.errors import NotAcceptable
from service.images import encode
from service.images.decode import read
from service.images.encode import writable, write
from service.images.formats import AVIF, BMP, HEIC, JP2, JPEG, PNG, TIFF, WEBP, written
from tests.service.photograph_files import (
    LIMIT,
    encoded,
    joined,
    opened,
    photograph,
    samples,
    smooth,
)
from tests.service.png_files import samples_of


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (21, 13), (90, 700)])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_a_png_holds_every_bit(bands: int, depth: int, size: tuple[int, int]) -> None:
    if depth == 8 and size == (90, 700):
        size = (130, 700)  # more than one strip
    values = samples(bands, depth, size)
    pixels = values[..., 0] if bands < 3 else values[..., :3]
    alpha = values[..., -1] if bands % 2 == 0 else None
    body = write(photograph(pixels, alpha), PNG)
    np.testing.assert_array_equal(samples_of(body), values)
    np.testing.assert_array_equal(joined(read(body, LIMIT)), values)
    assert opened(body).size == size[::-1]


@pytest.mark.parametrize("kind", [BMP, JP2])
def test_a_format_that_is_only_read_is_said_to_be_so(kind: str) -> None:
    with pytest.raises(NotAcceptable, match=f"{kind}: expected a format that is written here"):
        write(photograph(samples(3)), kind)


def test_pixels_that_are_a_view_are_written() -> None:
    view = samples(4)[..., :3]
    np.testing.assert_array_equal(samples_of(write(photograph(view), PNG)), view)


@pytest.mark.parametrize("kind", ["gradient", "noise", "flat"])
def test_a_png_is_about_as_small_as_the_usual_one(kind: str) -> None:
    across, down = np.meshgrid(np.arange(300.0), np.arange(200.0))
    noise = np.random.default_rng(0).normal(0, 3, (200, 300, 3))
    pixels = {
        "gradient": np.dstack([across, 255 - across, down * 3]) / 4 + 90,
        "noise": np.dstack([across, down, across]) / 4 + 90 + noise,
        "flat": np.full((200, 300, 3), 90.0),
    }[kind].astype(np.uint8)
    usual = len(encoded(Image.fromarray(pixels), "PNG"))
    assert len(write(photograph(pixels), PNG)) < usual * 1.1 + 1000


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_is_written_at_the_quality_asked_for(mode: str) -> None:
    pixels = np.asarray(smooth(mode))
    taken = photograph(pixels, media_type=JPEG)
    bodies = {quality: write(taken, JPEG, quality) for quality in (1, 50, 90, 100)}
    sizes = [len(body) for body in bodies.values()]
    assert sizes == sorted(sizes)
    assert opened(bodies[100]).mode == mode
    np.testing.assert_allclose(np.asarray(opened(bodies[100])), pixels, atol=4)
    reference = encoded(smooth(mode), "JPEG", quality=50)
    np.testing.assert_array_equal(opened(bodies[50]), opened(reference))


def test_from_quality_90_on_a_jpeg_keeps_the_colour_of_every_pixel() -> None:
    colours = np.zeros((32, 32, 3), np.uint8)
    colours[:, ::2, 0] = colours[:, 1::2, 2] = 200
    found = {
        quality: np.asarray(opened(write(photograph(colours), JPEG, quality))).astype(int)
        for quality in (89, 90)
    }
    assert np.abs(found[89] - colours).mean() > 2 * np.abs(found[90] - colours).mean()


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_a_webp_of_quality_100_loses_nothing(bands: int) -> None:
    values = samples(bands)
    pixels = values[..., 0] if bands < 3 else values[..., :3]
    alpha = values[..., -1] if bands % 2 == 0 else None
    picture = opened(write(photograph(pixels, alpha), WEBP, 100))
    assert (picture.format, picture.mode) == ("WEBP", "RGB" if alpha is None else "RGBA")
    colour = np.dstack([pixels] * 3) if bands < 3 else pixels
    np.testing.assert_array_equal(np.asarray(picture)[..., :3], colour)
    if alpha is not None:
        np.testing.assert_array_equal(np.asarray(picture)[..., 3], alpha)


def test_a_webp_of_less_quality_is_smaller_and_keeps_its_alpha() -> None:
    pixels, alpha = np.asarray(smooth()), samples(1, 8, (20, 33))[..., 0]
    taken = photograph(pixels, alpha)
    bodies = {quality: write(taken, WEBP, quality) for quality in (10, 90)}
    assert len(bodies[10]) < len(bodies[90])
    for body in bodies.values():
        np.testing.assert_array_equal(np.asarray(opened(body))[..., 3], alpha)
    opaque = write(photograph(pixels), WEBP, 90)
    np.testing.assert_allclose(np.asarray(opened(opaque)), pixels, atol=16)


@pytest.mark.slow
def test_a_webp_of_many_pixels_full_of_detail_is_written() -> None:
    """Libwebp's fastest methods fail on it: each block of 4x4 pixels is described on its own."""
    pixels = np.random.default_rng(0).integers(0, 256, (1024, 4096), np.uint8)
    large = np.concatenate([pixels] * 4)
    assert opened(write(photograph(large), WEBP, 90)).size == (4096, 4096)


def test_an_avif_has_the_same_bytes_whatever_the_number_of_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slope = np.add.outer(np.arange(2160), np.arange(2160)) // 12
    large = photograph(np.repeat(slope[..., None].astype(np.uint8), 3, axis=2))
    bodies = []
    for cpus in (1, 4):
        monkeypatch.setattr(encode, "usable_cpus", lambda cpus=cpus: cpus)
        bodies.append(write(large, AVIF, 90))
    assert bodies[0] == bodies[1]


def test_16_bits_are_rounded_to_8_where_the_format_has_no_more() -> None:
    values = np.arange(0, 65536, 3, dtype=np.uint16)[:21600].reshape(90, 80, 3)
    alpha = values[..., 1]
    picture = opened(write(photograph(values, alpha), WEBP, 100))
    expected = np.dstack([values, alpha]).astype(float) / 257
    np.testing.assert_array_equal(np.asarray(picture), np.round(expected))
    flat = np.full((16, 16), 257 * 77 + 128, np.uint16)
    np.testing.assert_array_equal(opened(write(photograph(flat), JPEG, 100)), 77)


def test_what_a_format_cannot_hold_is_not_written() -> None:
    pixels, alpha = samples(3), samples(1)[..., 0]
    transparent = photograph(pixels, alpha, WEBP)
    assert writable(transparent) == (WEBP, PNG, TIFF, AVIF, HEIC)
    with pytest.raises(NotAcceptable, match=r"written as image/webp, image/png, image/tiff"):
        write(transparent, JPEG)
    wide = np.zeros((1, 16_384), np.uint8)
    assert writable(photograph(wide, media_type=JPEG)) == (JPEG, PNG, TIFF, AVIF, HEIC)
    with pytest.raises(NotAcceptable, match="at most 16383 pixels along a side, received 16384x1"):
        write(photograph(wide), WEBP)
    assert writable(photograph(np.zeros((65_501, 1), np.uint8))) == (PNG, TIFF)
    longest = np.zeros((65_500, 1), np.uint8)
    assert opened(write(photograph(longest), JPEG)).size == (1, 65_500)


@pytest.mark.parametrize("depth", [8, 16])
def test_alpha_that_hides_nothing_keeps_no_photograph_out_of_jpeg(depth: int) -> None:
    pixels = samples(3, depth)
    taken = photograph(pixels, np.full((21, 13), 2**depth - 1, pixels.dtype))
    assert writable(taken) == written()
    assert opened(write(taken, JPEG)).mode == "RGB"
