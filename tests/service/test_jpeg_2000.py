"""JPEG 2000 of every depth: all values come out, over the full range, or the file is refused."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from openjpeg.utils import encode
from PIL import Image

from service.errors import BodyTooLarge, MalformedBody, ServiceError, UnsupportedMediaType
from service.images import jp2_codestream
from service.images.decode import decode, open_image, read
from tests.service.photograph_files import LIMIT, encoded, joined, samples, smooth

GRAY, RGB = 2, 1
"""Of the encoder's photometric interpretations."""


def ramp(bits: int, bands: int, *, is_signed: bool = False) -> NDArray[Any]:
    """Values from black to white, both of which it has."""
    values = np.linspace(0, 2**bits - 1, 40 * 33 * bands).round().reshape(40, 33, bands)
    values = values[::-1].copy() if bands == 1 else np.roll(values, 7, axis=1)
    if is_signed:
        values = values - 2 ** (bits - 1)
    kind = ("i" if is_signed else "u") + ("1" if bits <= 8 else "2")
    return np.asarray(values.astype(kind))


def file(values: NDArray[Any], bits: int, **options: Any) -> bytes:
    """A lossless file of samples (height, width, bands), 4 of which are RGB and opacity."""
    bands = values.shape[2]
    stored = np.ascontiguousarray(values[..., 0] if bands == 1 else values)
    kind = GRAY if bands == 1 else RGB if bands == 3 else 0
    return bytes(encode(stored, bits, kind, use_mct=bands == 3, **options))


@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize("bands", [1, 3, 4])
@pytest.mark.parametrize("bits", [1, 2, 4, 7, 8, 9, 12, 16])
def test_every_depth_is_read_over_its_full_range(bits: int, bands: int, is_signed: bool) -> None:
    if is_signed and bits == 1:
        pytest.skip("no such samples")
    values = ramp(bits, bands)
    stored = ramp(bits, bands, is_signed=is_signed)
    found = joined(read(file(stored, bits, codec_format=int(is_signed)), LIMIT))  # bare, or in JP2
    assert found.dtype == (np.uint8 if bits <= 8 else np.uint16)
    most = np.iinfo(found.dtype).max
    expected = np.floor(values.astype(float) * most / (2**bits - 1) + 0.5)
    np.testing.assert_array_equal(found, expected)
    assert (found.min(), found.max()) == (0, most)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("plain", [False, True])
def test_jpeg_2000_of_8_bits_is_read_exactly(mode: str, plain: bool) -> None:
    picture = smooth(mode)
    found = read(encoded(picture, "JPEG2000", no_jp2=plain), LIMIT)
    np.testing.assert_array_equal(joined(found), np.atleast_3d(np.asarray(picture)))


@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_gray_of_16_bits_stays_so(tile: tuple[int, int] | None) -> None:
    values = samples(1, 16)[..., 0]
    body = encoded(Image.fromarray(values), "JPEG2000", tile_size=tile)
    np.testing.assert_array_equal(read(body, LIMIT).pixels, values)


def test_deep_colours_are_turned_upright() -> None:
    values = samples(3, 16, (40, 33))
    exif = Image.Exif()
    exif[0x0112] = 6
    box = b"JpgTiffExif->JP2" + exif.tobytes().removeprefix(b"Exif\0\0")
    uuid = struct.pack(">I4s", 8 + len(box), b"uuid") + box
    body = file(values, 16, codec_format=1)
    place = body.index(b"jp2c") - 4
    found = read(body[:place] + uuid + body[place:], LIMIT)
    np.testing.assert_array_equal(found.pixels, np.rot90(values, -1))


def boxed(*boxes: bytes, bits: int = 16, replace: tuple[bytes, bytes] = (b"", b"")) -> bytes:
    """A JP2 file whose header has further boxes."""
    body = file(ramp(bits, 3), bits, codec_format=1).replace(*replace)
    place = body.index(b"jp2h") - 4
    (size,) = struct.unpack_from(">I", body, place)
    added = b"".join(struct.pack(">I", 4 + len(box)) + box for box in boxes)
    header = struct.pack(">I", size + len(added)) + body[place + 4 : place + size]
    return body[:place] + header + added + body[place + size :]


SPACE = b"colr\1\0\0" + struct.pack(">I", 16)
DEFINITIONS = struct.pack(">9H", 0, 0, 1, 1, 0, 2, 2, 0, 3)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (boxed(b"pclr" + bytes(9)), "received a palette"),
        (
            boxed(bits=8, replace=(SPACE, SPACE[:-1] + bytes([14]))),
            "expected JPEG 2000 of gray, sRGB, sYCC or CMYK, received colour space 14",
        ),
        (file(ramp(1, 4), 1, codec_format=1), "received black as 1"),
        (boxed(replace=(SPACE, SPACE[:-1] + bytes([18]))), "16 bits, received sYCC"),
        (boxed(replace=(SPACE, SPACE[:-1] + bytes([12]))), "16 bits, received CMYK"),
        (boxed(b"cdef\0\3" + struct.pack(">9H", 0, 0, 3, 1, 0, 2, 2, 0, 1)), "in their order"),
        (boxed(b"cdef\0\3" + struct.pack(">9H", 0, 0, 1, 1, 0, 2, 2, 2, 0)), "in their order"),
        (file(ramp(20, 1).astype(np.uint32), 20), "at most 16 bits.*received 20"),
    ],
)
def test_what_would_get_other_colours_is_refused_by_name(body: bytes, message: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=message):
        open_image(body)


def test_boxes_that_tell_of_another_depth_than_the_codestream_are_refused() -> None:
    body = bytearray(file(ramp(8, 1), 8, codec_format=1))
    body[body.index(b"ihdr") + 4 + 10] = 15
    with pytest.raises(MalformedBody, match="a damaged one"):
        read(bytes(body), LIMIT)


def test_channels_in_their_order_are_read() -> None:
    found = read(boxed(b"cdef\0\3" + DEFINITIONS), LIMIT)
    np.testing.assert_array_equal(found.pixels, ramp(16, 3))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (40, 2, "received some that are subsampled"),  # XRsiz of the second component
        (13, 1, "begins at 0,0"),  # XOsiz
        (36, 7, "in the first component more than 8"),  # Ssiz of the first component
    ],
)
def test_deep_files_that_the_library_cannot_hold_are_refused(
    place: int, value: int, message: str
) -> None:
    body = bytearray(file(ramp(16, 3), 16))
    body[body.index(b"\xff\x51") + 4 + place] = value
    with pytest.raises(UnsupportedMediaType, match=message):
        open_image(bytes(body))


def test_truncated_deep_files_are_refused() -> None:
    body = file(ramp(16, 3), 16, codec_format=1)
    for length in range(0, len(body) - 2, 397):
        with pytest.raises(ServiceError):
            read(body[:length], LIMIT)


def test_a_tile_of_a_deep_file_that_is_missing_does_no_harm() -> None:
    stream = io.BytesIO()
    Image.fromarray(samples(1, 16, (64, 64))[..., 0]).save(
        stream, "JPEG2000", tile_size=(32, 32), no_jp2=True
    )
    body = stream.getvalue()
    first = body.index(b"\xff\x90")
    (size,) = struct.unpack_from(">I", body, first + 6)
    for damaged in (body[: first + size] + b"\xff\xd9", body[:first] + body[first + size :]):
        try:
            assert read(damaged, LIMIT).pixels.shape == (64, 64)
        except MalformedBody:
            continue


@pytest.mark.slow
def test_damaged_deep_files_are_read_or_refused_and_crash_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    body, chance = file(ramp(12, 3), 12, codec_format=1), np.random.default_rng(0)
    for _ in range(20):
        damaged = bytearray(body)
        for _ in range(chance.integers(1, 6)):
            damaged[int(chance.integers(4, len(damaged)))] = int(chance.integers(0, 256))
        try:
            decode(open_image(bytes(damaged), 100_000))
        except (BodyTooLarge, MalformedBody, UnsupportedMediaType):
            continue
    assert not caplog.records


def test_jpeg_2000_of_many_tiles_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    body = encoded(smooth(), "JPEG2000", tile_size=(8, 8))
    read(body, LIMIT)
    monkeypatch.setattr(jp2_codestream, "MAX_TILES", 10)
    with pytest.raises(MalformedBody, match="at most 10 tiles, received 15"):
        open_image(body)
