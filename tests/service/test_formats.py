"""Files of every format are recognised, read where the policy says so, and named where not."""

import importlib.util
import struct
from typing import Any

import numpy as np
import pillow_jxl
import pytest
from PIL import Image

from service.api.media_types import detect, readable
from service.cli import main
from service.errors import BodyTooLarge, MalformedBody, NotAcceptable, UnsupportedMediaType
from service.images import formats
from service.images.decode import media_type_of, named, open_image, read
from service.images.encode import writable, write
from service.images.formats import (
    AVIF,
    BY_NAME,
    BY_TYPE,
    HEIC,
    JPEG,
    MEDIA_TYPES,
    NAMES,
    PNG,
    RAW,
    SUFFIXES,
    TIFF,
    WEBP,
    Name,
    Policy,
    default_for,
)
from service.images.jxl_decoder import open_jxl
from service.settings import Settings
from tests.service.format_files import ANIMATION, bayer, dng, every, heic
from tests.service.photograph_files import LIMIT, encoded, exif, photograph, samples, smooth

FILES = every()
LABELS = "PNG, JPEG, WebP, TIFF, AVIF, HEIC, BMP, GIF, JPEG 2000, JPEG XL, camera raw"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_each_format_is_read(name: Name) -> None:
    body = FILES[name]
    assert media_type_of(body) == BY_NAME[name].media_type
    image = open_image(body)
    found = read(body, LIMIT)
    assert found.media_type == BY_NAME[name].media_type
    if name == "raw":
        assert found.pixels.dtype == np.uint16
        assert found.pixels.shape == (32, 48, 3)
        return
    assert image.size == (33, 20)
    expected = np.asarray(smooth()).astype(int)
    assert np.abs(found.pixels - expected).mean() < (4 if name == "gif" else 2)


@pytest.mark.parametrize("name", NAMES)
def test_a_format_that_is_turned_off_is_refused_by_name(name: Name) -> None:
    policy = Policy(frozenset(NAMES) - {name})
    label = BY_NAME[name].label
    with pytest.raises(UnsupportedMediaType) as raised:
        read(FILES[name], LIMIT, policy)
    told = str(raised.value)
    assert told.startswith(
        f"picture: {label} is turned off here (SERVICE_FORMATS); expected one of"
    )
    assert label not in told.partition("expected one of")[2].partition(", received")[0].split(", ")
    for other in set(NAMES) - {name}:
        open_image(FILES[other], LIMIT, policy)


@pytest.mark.parametrize("name", NAMES)
def test_more_pixels_than_the_limit_are_refused_before_any_is_decoded(name: Name) -> None:
    with pytest.raises(
        BodyTooLarge, match=r"at most 10 pixels \(SERVICE_MAX_PIXELS\), received (33x20|48x32)"
    ):
        open_image(FILES[name], 10)


@pytest.mark.parametrize("name", ["heic", "raw", "jxl"])
def test_a_format_whose_library_is_missing_says_which_extra_brings_it(
    name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    formats.is_installed.cache_clear()
    try:
        with pytest.raises(
            UnsupportedMediaType,
            match=rf"EXTRAS={name}, or pip .* dist 'autoencoder-service\[cpu,{name}\]",
        ):
            read(FILES[name], LIMIT)
        with pytest.raises(UnsupportedMediaType) as raised:
            read(b"%PDF-1.7" + bytes(99), LIMIT)
        assert BY_NAME[name].label not in str(raised.value)
        with pytest.raises(UnsupportedMediaType) as raised:
            detect(b"nothing known", "image/unknown", readable("denoise"))
        assert "image/png, image/jpeg, image/webp, image/tiff, image/avif, image/bmp" in str(
            raised.value
        )
        assert BY_NAME[name].media_type not in str(raised.value)
        (line,) = Settings(formats=f"png,{name}").formats_in_vain()
        assert line.startswith(f"SERVICE_FORMATS (--formats): {BY_NAME[name].label} is read only")
        assert Settings().formats_in_vain() == []
    finally:
        monkeypatch.undo()
        formats.is_installed.cache_clear()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"\xef\xbb\xbf\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "a video"),
        (b"\0\0\0\x18ftypqt  \0\0\0\0", "a video"),
        (b"\x1aE\xdf\xa3\x01", "a video"),
        (b"RIFF\x24\0\0\0AVI LIST", "a video"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "another format"),
        (b"no picture at all", "another format"),
    ],
)
def test_what_is_no_photograph_is_refused_by_name(body: bytes, name: str) -> None:
    with pytest.raises(UnsupportedMediaType) as raised:
        read(body + bytes(40), LIMIT)
    subject = name[0].upper() + name[1:]
    assert str(raised.value) == (f"picture: {subject} is not read here; expected one of {LABELS}")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"GIF89a", "GIF"),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b"II*\0\x10\0\0\0CR\2\0", "camera raw"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0", "camera raw"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "HEIC"),
        (b"\0\0\0\x18ftypisom", "a video"),
        (encoded(smooth(), "PNG")[:64], "PNG"),
        (b"{}", None),
        (b"", None),
        (b"B", None),
        (b"\0", None),
        (b"\0\0", None),
        (b"BM", None),
        (b"BMW is a car, and no picture in any format that there is", None),
        (b"II", None),
        (b"\x89P", "PNG"),
        (b"GIF", "GIF"),
        (FILES["bmp"][:18], "BMP"),
    ],
)
def test_a_format_is_named_by_its_first_bytes(head: bytes, name: str | None) -> None:
    assert named(head) == name


def test_more_pixels_than_are_shown_count_where_decoding_takes_memory_for_them() -> None:
    raw = dng(bayer((320, 480)), shown=(8, 16, 40, 64))
    assert open_image(raw, 320 * 480).size == (48, 32)
    with pytest.raises(BodyTooLarge, match="received 48x32 of 153600 that are stored"):
        open_image(raw, 320 * 480 - 1)
    tiles = write(photograph(samples(3, size=(60, 1500))), HEIC)  # two of 1024 by 1024
    extent, large = (b"ispe" + struct.pack(">III", 0, side, side) for side in (1024, 30_000))
    assert extent in tiles
    with pytest.raises(BodyTooLarge, match="received 1500x60 of 900000000 that are stored"):
        open_image(tiles.replace(extent, large), LIMIT)


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file_is_refused(name: Name) -> None:
    body = FILES[name]
    for share in (0.3, 0.6, 0.9):
        with pytest.raises((MalformedBody, UnsupportedMediaType)):
            read(body[: int(share * len(body))], LIMIT)


def test_the_first_suffix_of_a_format_is_that_of_new_files() -> None:
    first = {kind: suffix for suffix, kind in reversed(SUFFIXES.items())}
    assert first[JPEG] == ".jpg"
    assert first[TIFF] == ".tif"
    assert {*first} == {*BY_TYPE}


@pytest.mark.parametrize("name", NAMES)
def test_a_photograph_is_written_as_it_came_or_as_what_stands_for_that(name: Name) -> None:
    taken = read(FILES[name], LIMIT)
    best, *_ = writable(taken)
    assert best == default_for(taken.media_type)
    assert best == (
        taken.media_type
        if taken.media_type in MEDIA_TYPES
        else {RAW: TIFF}.get(taken.media_type, PNG)
    )
    again = read(write(taken, best), LIMIT)
    assert np.abs(again.pixels.astype(int) - taken.pixels).mean() < 2


def test_heic_is_not_written_without_its_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    formats.written.cache_clear()
    try:
        taken = photograph(samples(3), media_type=HEIC)
        assert writable(taken) == (JPEG, PNG, WEBP, TIFF, AVIF)
        with pytest.raises(NotAcceptable, match=r"image/heic: expected the extra `heic`"):
            write(taken, HEIC)
    finally:
        monkeypatch.undo()
        formats.written.cache_clear()


def test_lossless_webp_stays_lossless_unless_a_quality_is_asked_for() -> None:
    picture = Image.fromarray(samples(3))
    for options in ({}, {"exif": b"II*\0\x08\0\0\0\0\0\0\0\0\0"}):
        taken = read(encoded(picture, "WEBP", lossless=True, **options), LIMIT)
        assert taken.is_lossless
        np.testing.assert_array_equal(read(write(taken, WEBP), LIMIT).pixels, taken.pixels)
        lossy = read(write(taken, WEBP, 90), LIMIT)
        assert not lossy.is_lossless
        assert (lossy.pixels != taken.pixels).any()
    png = read(encoded(picture, "PNG"), LIMIT)
    assert not read(write(png, WEBP), LIMIT).is_lossless


def test_jpeg_2000_says_whether_it_has_losses() -> None:
    assert read(encoded(smooth(), "JPEG2000"), LIMIT).is_lossless
    assert not read(encoded(smooth(), "JPEG2000", irreversible=True), LIMIT).is_lossless


def test_an_animation_is_refused() -> None:
    frames = [smooth("L"), smooth("L").transpose(Image.Transpose.ROTATE_180)]
    for kind in ("GIF", "AVIF", "WEBP"):
        body = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        with pytest.raises(UnsupportedMediaType, match="one that does not move, received 2 frames"):
            read(body, LIMIT)
    for body in (ANIMATION, _in_boxes(ANIMATION)):
        with pytest.raises(UnsupportedMediaType, match="one that does not move, received 2 frames"):
            read(body, LIMIT)


def _in_boxes(codestream: bytes) -> bytes:
    """A JPEG XL in the container of ISO/IEC 18181-2."""
    head = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
    return head + struct.pack(">I4s", 8 + len(codestream), b"jxlc") + codestream


@pytest.mark.parametrize(
    ("fields", "size", "is_animated"),
    [
        # small, height / 8 - 1, ratio 1:1; then all fields by default, or further ones
        ([(1, 1), (5, 2), (3, 1), (1, 1)], (24, 24), False),
        ([(1, 1), (5, 2), (3, 1), (1, 0), (1, 0)], (24, 24), False),
        ([(1, 1), (5, 2), (3, 1), (2, 2), (3, 0), (2, 0), (1, 1)], (24, 24), True),
        ([(1, 1), (5, 2), (3, 1), (2, 2), (3, 7), (2, 0), (1, 0)], (24, 24), False),
        # of any size, 13 and 30 bits
        ([(1, 0), (2, 1), (13, 99), (3, 0), (2, 3), (30, 5), (1, 1)], (6, 100), False),
        # an intrinsic size, a preview in pixels, and one in eights
        (
            [
                *((1, 1), (5, 0), (3, 7), (2, 2), (3, 0), (1, 1), (1, 1), (5, 9), (3, 2), (1, 1)),
                *((1, 0), (2, 3), (12, 9), (3, 0), (2, 1), (8, 9), (1, 1)),
            ],
            (16, 8),
            True,
        ),
        (
            [
                *((1, 1), (5, 0), (3, 1), (2, 2), (3, 0), (2, 2), (1, 1), (2, 2), (5, 9), (3, 1)),
                (1, 1),
            ],
            (8, 8),
            True,
        ),
    ],
)
def test_the_header_of_a_jpeg_xl_is_read_bit_by_bit(
    fields: list[tuple[int, int]], size: tuple[int, int], is_animated: bool
) -> None:
    bits = at = 0
    for count, value in fields:
        bits, at = bits | value << at, at + count
    image = open_jxl(b"\xff\x0a" + bits.to_bytes(40, "little"))
    assert (image.size, image.frames) == (size, 1 + is_animated)


def test_heic_of_another_codec_is_refused_by_name() -> None:
    body = heic().replace(b"hvc1", b"vvc1")
    with pytest.raises(UnsupportedMediaType, match="HEIC coded by HEVC"):
        read(body, LIMIT)


def test_the_jpeg_in_a_jpeg_xl_is_turned_as_its_exif_says() -> None:
    for orientation in (1, 6, 3):
        data = b"Exif\0\0" + exif("<", orientation)
        picture = encoded(smooth(), "JPEG", quality=95, exif=data)
        library: Any = pillow_jxl
        encoder = library.Encoder(
            mode="RGB", lossless=True, quality=100, decoding_speed=0, effort=3, use_container=True,
            use_original_profile=True, num_threads=1,
        )  # fmt: skip
        body = encoder(picture, 33, 20, jpeg_encode=True)
        expected = read(picture, LIMIT).pixels
        np.testing.assert_array_equal(read(body, LIMIT).pixels, expected)


@pytest.mark.parametrize("given", ["png,jpeg", " PNG , jpeg,", '["png", "jpeg"]'])
def test_formats_are_set_by_a_list(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_FORMATS", given)
    assert Settings().policy == Policy(frozenset({"png", "jpeg"}))
    monkeypatch.setenv("SERVICE_TRUNCATED", "accept")
    assert Settings().policy.reads_truncated


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            "",
            "expected at least one of png, jpeg, webp, tiff, avif, heic, bmp, gif, jp2, jxl, raw, ",
        ),
        (" , ", "received none"),
        ("[]", "received none"),
        ("png,psd", "or 'raw', received 'psd'"),
        ("[1]", "or 'raw', received 1"),
        ('["png"', """expected names by commas or a list in JSON, received '["png"'"""),
        ("[1", "expected names by commas or a list in JSON, received '[1'"),
    ],
)
def test_formats_that_do_not_exist_are_refused(
    given: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", f"--formats={given}"]) == 2
    line = capsys.readouterr().err
    assert line.startswith("SERVICE_FORMATS (--formats): expected ")
    assert told in line
