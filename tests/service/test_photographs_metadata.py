"""What a file says besides its pixels stays with the photograph."""

import struct
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import ExifTags

from service.images.decode import read
from service.images.encode import write
from service.images.formats import JPEG, PNG, TIFF, WEBP
from service.images.photograph import Metadata
from tests.service.photograph_files import (
    KINDS,
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
from tests.service.png_files import chunk, chunks_of, file_of, raw_profile


@pytest.mark.parametrize("written", KINDS)
@pytest.mark.parametrize("taken", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_metadata_go_from_every_format_to_every_other(taken: str, written: str, order: str) -> None:
    exif_data = exif(order, 6)
    if taken == PNG:
        body = file_of(
            np.asarray(smooth()),
            2,
            8,
            chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB)),
            chunk(b"eXIf", exif_data),
            chunk(b"pHYs", struct.pack(">IIB", 11811, 5906, 1)),
            chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        )
    else:
        prefix = b"Exif\0\0" if taken == JPEG else b""
        body = encoded(
            smooth(),
            KINDS[taken],
            exif=prefix + exif_data,
            icc_profile=SRGB,
            xmp=XMP,
            dpi=(300, 150),
        )
    found = read(body, LIMIT)
    result = opened(write(found, written, 95))
    assert (result.format, result.size) == (KINDS[written], (20, 33))
    assert result.info["icc_profile"] == SRGB
    assert result.info["xmp"] == UPRIGHT_XMP
    kept = result.getexif()
    assert kept[ExifTags.Base.Orientation] == 1
    assert kept[ExifTags.Base.Make] == "Maker of cameras"
    assert (kept[ExifTags.Base.ImageWidth], kept[ExifTags.Base.ImageLength]) == (20, 33)
    inner = kept.get_ifd(ExifTags.IFD.Exif)
    assert (inner[ExifTags.Base.ExifImageWidth], inner[ExifTags.Base.ExifImageHeight]) == (20, 33)
    assert inner[ExifTags.Base.MakerNote] == bytes(range(40))
    assert not kept.get_ifd(ExifTags.IFD.IFD1)
    if WEBP not in (taken, written):  # which has no place for it but in EXIF
        assert tuple(round(value) for value in result.info["dpi"]) == (150, 300)


@pytest.mark.parametrize("orientation", range(1, 5))
def test_sides_that_stay_are_told_as_before(orientation: int) -> None:
    exif_data = exif("<", orientation)
    body = file_of(np.asarray(smooth()), 2, 8, chunk(b"eXIf", exif_data))
    kept = read(body, LIMIT).metadata.exif
    assert kept is not None
    assert len(kept) == len(exif_data)
    # The orientation, which was in two bytes, where the thumbnail is, in two of four, and itself.
    changed = [place for place, byte in enumerate(kept) if byte != exif_data[place]]
    assert len(changed) == (1 if orientation == 1 else 2) + 18
    assert exif_data.endswith(b"\xff\xd8" * 9)
    assert kept.endswith(bytes(18))


def test_a_photograph_that_says_nothing_says_nothing_afterwards() -> None:
    found = read(file_of(samples(3), 2, 8), LIMIT)
    assert found.metadata == Metadata()
    assert set(chunks_of(write(found, PNG))) == {b"IHDR", b"IDAT", b"IEND"}
    for media_type in (JPEG, WEBP):
        info = opened(write(found, media_type)).info
        assert not {"exif", "xmp", "icc_profile", "dpi", "comment"} & set(info)


def test_what_only_png_has_a_place_for_stays_in_a_png() -> None:
    own = [
        chunk(b"cHRM", struct.pack(">8I", *range(30_000, 38_000, 1000))),
        chunk(b"gAMA", struct.pack(">I", 45455)),
        chunk(b"cICP", bytes([9, 16, 0, 1])),
        chunk(b"tEXt", b"Author\0Somebody"),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"long ago")),
    ]
    stale = [
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 2\n0000")),
        chunk(b"sBIT", bytes([5, 5, 5])),
        chunk(b"tIME", bytes(7)),
    ]
    found = read(file_of(samples(3), 2, 8, *own, *stale), LIMIT)
    body = write(found, PNG)
    assert all(kept in body for kept in own)
    assert not any(name in chunks_of(body) for name in (b"sBIT", b"tIME"))
    assert b"Raw profile" not in body
    picture = opened(body)
    assert isinstance(picture.info["gamma"], float)
    assert b"Somebody" not in write(found, JPEG)


def test_what_only_jpeg_has_a_place_for_stays_in_a_jpeg() -> None:
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x78\0\x05place"
    segment = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
    body = encoded(smooth(), "JPEG", comment=b"at the sea", extra=segment)
    found = read(body, LIMIT)
    kept = write(found, JPEG)
    assert opened(kept).info["comment"] == b"at the sea"
    assert segment in kept
    assert b"at the sea" not in write(found, PNG)


def test_a_profile_of_gray_stays_with_gray_alone() -> None:
    gray = SRGB[:16] + b"GRAY" + SRGB[20:]
    pixels = np.asarray(smooth("L"))
    taken = photograph(pixels, icc=gray)
    assert opened(write(taken, PNG)).info["icc_profile"] == gray
    assert opened(write(taken, JPEG)).info["icc_profile"] == gray
    assert "icc_profile" not in opened(write(taken, WEBP)).info


def test_a_large_profile_is_kept_and_exif_that_jpeg_cannot_hold_is_left_out() -> None:
    pixels = np.asarray(smooth())
    large = SRGB + np.random.default_rng(0).bytes(150_000)
    taken = photograph(pixels, icc=large, exif=exif("<", 1) + bytes(65_530), xmp=bytes(65_530))
    for media_type in KINDS:
        info = opened(write(taken, media_type)).info
        assert info["icc_profile"] == large
        assert ("exif" in info) == ("xmp" in info) == (media_type != JPEG)


@pytest.mark.parametrize("taken", KINDS)
def test_a_profile_of_more_than_a_megabyte_goes_into_a_png_and_is_read_there(taken: str) -> None:
    large = SRGB + np.random.default_rng(0).bytes(1_200_000)
    pixels = np.asarray(smooth())
    found = read(write(photograph(pixels, icc=large), taken, 100), LIMIT)
    again = read(write(found, PNG), LIMIT)
    assert again.metadata.icc == found.metadata.icc == large
    np.testing.assert_array_equal(again.pixels, found.pixels)


@pytest.mark.parametrize("behind", [False, True])
def test_long_texts_stay_in_a_png(behind: bool) -> None:
    text = zlib.compress(b"so long a text " * 200_000)
    own = [
        chunk(b"zTXt", b"Comment\0\0" + text),
        chunk(b"iTXt", b"Title\0\1\0en\0Title\0" + text),
    ]
    body = file_of(samples(3), 2, 8, *([] if behind else own))
    if behind:
        body = body[:-12] + b"".join(own) + body[-12:]
    found = read(body, LIMIT)
    np.testing.assert_array_equal(found.pixels, samples(3))
    assert b"".join(own) in write(found, PNG)


def test_xmp_may_be_compressed_and_large() -> None:
    xmp = XMP + b" " * 2_000_000
    text_chunks = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp))
    found = read(file_of(np.asarray(smooth()), 2, 8, text_chunks), LIMIT)
    assert found.pixels.shape == (20, 33, 3)
    assert found.metadata.xmp == xmp


def bomb() -> bytes:
    """A hundred megabytes of zeros, compressed."""
    codec = zlib.compressobj(1)
    return b"".join(codec.compress(bytes(1_000_000)) for _ in range(100)) + codec.flush()


def test_a_bomb_of_metadata_is_left_out_before_it_is_large() -> None:
    zeros = bomb()
    text_chunks = [
        chunk(b"iCCP", b"ICC profile\0\0" + zeros),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zeros),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zeros),
    ]
    body = file_of(samples(3), 2, 8, *text_chunks)
    tracemalloc.start()
    try:
        found = read(body, LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60_000_000
    assert found.metadata == Metadata()
    np.testing.assert_array_equal(found.pixels, samples(3))


@pytest.mark.parametrize(
    "broken",
    [
        chunk(b"iCCP", b""),
        chunk(b"iCCP", b"ICC profile\0\1" + zlib.compress(SRGB)),
        chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(SRGB)[:-9]),
        chunk(b"iCCP", b"ICC profile\0\0" + SRGB),
        chunk(b"eXIf", b"of no camera"),
        chunk(b"pHYs", bytes(5)),
        chunk(b"gAMA", b"")[:-4] + bytes(4),
        chunk(b"cICP", b"\1\15"),
        chunk(b"tEXt", b"Raw profile type xmp\0\nxmp\n2\nno digits"),
        chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(b"\niptc\n 4\n00112233")),
        chunk(b"tEXt", b"Raw profile type 8bim\0"),
        chunk(b"cHRM", bytes(9)),
        chunk(b"zTXt", b"Comment\0\7what"),
        chunk(b"zTXt", b"Raw profile type exif\0\7what"),
        chunk(b"tEXt", b"Raw profile type exif\0\nexif\n2\nno digits"),
        chunk(b"tEXt", b"Raw profile type APP1\0"),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1"),
        chunk(b"iTXt", b"XML:com.adobe.xmp"),
    ],
    ids=lambda broken: broken[4:8].decode(),
)
def test_broken_metadata_spoil_no_pixel(broken: bytes) -> None:
    found = read(file_of(samples(3), 2, 8, broken), LIMIT)
    np.testing.assert_array_equal(found.pixels, samples(3))
    assert (found.metadata.icc, found.metadata.exif, found.metadata.dpi) == (None, None, None)
    assert not found.metadata.xmp
    again = opened(write(found, PNG))  # by a decoder that may refuse them
    np.testing.assert_array_equal(np.asarray(again), samples(3))


@pytest.mark.parametrize("cut", [8, 9, 40, 90, 150])
@pytest.mark.parametrize("order", "<>")
def test_exif_data_that_are_cut_off_keep_no_tiff_from_being_written(order: str, cut: int) -> None:
    found = read(file_of(samples(3), 2, 8, chunk(b"eXIf", exif(order, 3)[:cut])), LIMIT)
    again = read(write(found, TIFF), LIMIT)
    np.testing.assert_array_equal(again.pixels, found.pixels)


def test_entries_of_exif_data_that_are_damaged_are_left_out_of_a_tiff() -> None:
    data = bytearray(exif("<", 1))
    maker = data.index(struct.pack("<HHI", 0x010F, 2, 17))
    struct.pack_into("<I", data, maker + 4, 1 << 30)  # as many bytes as are not there
    found = read(file_of(samples(3), 2, 8, chunk(b"eXIf", bytes(data))), LIMIT)
    again = read(write(found, TIFF), LIMIT)
    assert again.metadata.exif
    assert b"Maker" not in again.metadata.exif
    assert bytes(range(40)) in again.metadata.exif


@pytest.mark.parametrize("prefix", [b"Exif\0\0", b""])
@pytest.mark.parametrize("name", [b"exif", b"APP1"])
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_exif_data_in_a_text_turn_a_png_and_get_a_chunk(
    kind: bytes, name: bytes, prefix: bytes
) -> None:
    keyword, text = raw_profile(name, prefix + exif(">", 6))
    packed = {b"tEXt": b"\0", b"zTXt": b"\0\0", b"iTXt": b"\0\1\0\0\0"}[kind]
    told = chunk(kind, keyword + packed + (text if kind == b"tEXt" else zlib.compress(text)))
    found = read(file_of(np.asarray(smooth()), 2, 8, told), LIMIT)
    np.testing.assert_array_equal(found.pixels, np.rot90(np.asarray(smooth()), 3))
    body = write(found, PNG)
    kept = opened(body).getexif()
    assert (kept[ExifTags.Base.Orientation], kept[ExifTags.Base.Make]) == (1, "Maker of cameras")
    assert b"Raw profile" not in body
    assert len(chunks_of(body)[b"eXIf"]) == len(exif(">", 6))


def test_a_chunk_of_exif_data_counts_more_than_a_text() -> None:
    keyword, text = raw_profile(b"exif", exif("<", 6))
    told = [chunk(b"tEXt", keyword + b"\0" + text), chunk(b"eXIf", exif("<", 3))]
    found = read(file_of(samples(3), 2, 8, *told), LIMIT)
    np.testing.assert_array_equal(found.pixels, np.rot90(samples(3), 2))


def test_a_text_with_the_name_of_a_chunk_hides_none() -> None:
    text = chunk(b"tEXt", b"iCCP\0no profile")
    told = chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB))
    body = file_of(np.asarray(smooth()), 2, 8, text, told)
    assert read(body, LIMIT).metadata.icc == SRGB


@pytest.mark.parametrize(
    "make",
    [
        lambda: file_of(np.asarray(smooth()), 2, 8),
        lambda: file_of(samples(4, 16), 6, 16),
        lambda: encoded(smooth("L"), "JPEG"),
        lambda: encoded(smooth(), "WEBP"),
    ],
    ids=["png", "png16", "jpeg", "webp"],
)
def test_what_was_written_as_png_reads_as_it_was(make: Callable[[], bytes]) -> None:
    found = read(make(), LIMIT)
    again = read(write(found, PNG), LIMIT)
    np.testing.assert_array_equal(joined(again), joined(found))
    assert (again.pixels.dtype, again.metadata) == (found.pixels.dtype, found.metadata)
