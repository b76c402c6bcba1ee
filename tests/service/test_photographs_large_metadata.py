"""Metadata of any size cost no more than their bound: beyond it they are left out."""

import zlib

import numpy as np
import pytest

from service.images.decode import read
from service.images.photograph import LARGEST_METADATA, Photograph
from tests.service.photograph_files import LIMIT, SRGB, encoded, smooth
from tests.service.png_files import chunk, file_of

LARGE = LARGEST_METADATA + 1
PROFILE = SRGB + bytes(LARGE - len(SRGB))
EXIF = b"II*\0\x08\0\0\0" + bytes(LARGE)
PACKET = b"<x>" + b" " * LARGE + b"</x>"


def check(body: bytes, kind: str) -> Photograph:
    """Check that a picture is read without a kind of metadata, in the colours that it has."""
    found = read(body, LIMIT)
    assert getattr(found.metadata, kind) is None
    return found


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "AVIF"])
def test_a_large_profile_is_left_out(kind: str) -> None:
    body = encoded(smooth(), kind, icc_profile=PROFILE)
    found = check(body, "icc")
    np.testing.assert_array_equal(found.pixels, read(encoded(smooth(), kind), LIMIT).pixels)
    small = PROFILE[:LARGEST_METADATA]
    assert read(encoded(smooth(), kind, icc_profile=small), LIMIT).metadata.icc == small


@pytest.mark.parametrize("kind", ["WEBP", "AVIF"])
@pytest.mark.parametrize(("name", "data"), [("exif", EXIF), ("xmp", PACKET)])
def test_large_metadata_are_left_out(kind: str, name: str, data: bytes) -> None:
    check(encoded(smooth(), kind, **{name: data}), name)


@pytest.mark.parametrize(
    ("chunks", "kind"),
    [
        (chunk(b"iCCP", b"x\0\0" + zlib.compress(PROFILE)), "icc"),
        (chunk(b"eXIf", EXIF), "exif"),
        (chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PACKET), "xmp"),
        (chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(PACKET)), "xmp"),
        (chunk(b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(bytes(99_999_999))), "xmp"),
    ],
)
def test_large_chunks_are_left_out(chunks: bytes, kind: str) -> None:
    picture = np.asarray(smooth())
    np.testing.assert_array_equal(check(file_of(picture, 2, 8, chunks), kind).pixels, picture)


def test_texts_are_kept_as_far_as_they_fit() -> None:
    first, last = chunk(b"tEXt", b"a\0first"), chunk(b"tEXt", b"b\0last")
    gamma = chunk(b"gAMA", (45455).to_bytes(4, "big"))
    large = chunk(b"tEXt", b"c\0" + bytes(LARGEST_METADATA - 8))
    body = file_of(np.asarray(smooth()), 2, 8, first + large + last + gamma)
    assert read(body, LIMIT).metadata.own == first + last + gamma
    comments = {"comment": b"x" * 60_000}
    jpeg = encoded(smooth(), "JPEG", **comments)
    segment = jpeg[jpeg.index(b"\xff\xfe") :][:60_004]
    many = jpeg.replace(segment, segment * 100)
    own = read(many, LIMIT).metadata.own
    assert own == segment * (LARGEST_METADATA // 60_000)


def test_inks_are_converted_as_if_ideal_where_their_profile_is_large() -> None:
    picture = smooth().convert("CMYK")
    found = check(encoded(picture, "JPEG", icc_profile=PROFILE), "icc")
    np.testing.assert_array_equal(found.pixels, read(encoded(picture, "JPEG"), LIMIT).pixels)
