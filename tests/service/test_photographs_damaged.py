"""What is damaged beside the pixels keeps no picture out; what pixels depend on is checked."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from service.api.codecs import image
from service.errors import MalformedBody, ServiceError
from service.images.decode import read
from service.images.fit import Frame
from service.images.formats import JPEG
from tests.service.photograph_files import LIMIT, SRGB, encoded, exif, samples, smooth
from tests.service.png_files import BANDS, chunk, file_of

THUMBNAIL = Frame("L", (28, 28), 100)


def thumbnail(body: bytes, *, fit: bool = False) -> np.ndarray:
    pixels: np.ndarray = image.read([body], THUMBNAIL, fit=fit, max_pixels=LIMIT)[0]
    return pixels


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


WHOLE = encoded(smooth("L", (28, 28)), "JPEG", quality=95)
JFIF = WHOLE[2:20]
PHOTOSHOP = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x78\0\x05place"


@pytest.mark.parametrize("length", [*range(20), 40])
@pytest.mark.parametrize(
    ("marker", "content"),
    [
        (0xE0, JFIF[4:]),
        (0xE1, b"Exif\0\0" + exif("<", 1)),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        (0xE2, b"ICC_PROFILE\0\1\1" + SRGB),
        (0xE2, b"MPF\0" + bytes(40)),
        (0xED, PHOTOSHOP),
        (0xEE, b"Adobe\0\x64\0\0\0\0\0"),
        (0xFE, b"a comment"),
    ],
    ids=["JFIF", "EXIF", "XMP", "ICC", "MPF", "8BIM", "Adobe", "COM"],
)
def test_a_metadata_segment_cut_short_keeps_no_jpeg_out(
    marker: int, content: bytes, length: int
) -> None:
    assert JFIF[2:4] == b"\0\x10"
    expected = read(WHOLE, LIMIT).pixels
    body = WHOLE[:2] + segment(marker, content[:length]) + WHOLE[20:]
    found = read(body, LIMIT)
    assert found.media_type == JPEG
    np.testing.assert_array_equal(found.pixels, expected)
    np.testing.assert_array_equal(thumbnail(body), expected)


@pytest.mark.parametrize("cut", [5, 9, 11, 13, 16, 20, 21])
def test_resource_blocks_that_are_cut_short_are_left_out(cut: int) -> None:
    whole = b"8BIM\x04\x25\0\0\0\0\0\x02ab"
    assert len(PHOTOSHOP) > 14 + cut
    content = b"Photoshop 3.0\0" + whole + PHOTOSHOP[14 : 14 + cut]
    body = WHOLE[:2] + segment(0xED, content) + WHOLE[2:]
    assert read(body, LIMIT).metadata.photoshop == whole


@pytest.mark.parametrize(
    "broken",
    [
        chunk(b"tEXt", b"Title\0hello")[:-1] + b"\0",
        chunk(b"zTXt", b"Title\0\0no deflate"),
        chunk(b"iTXt", b"Title"),
        chunk(b"iCCP", b"x"),
        chunk(b"gAMA", b"1"),
        chunk(b"cHRM", b"1"),
        chunk(b"pHYs", b"1"),
        chunk(b"eXIf", b"1"),
        chunk(b"tIME", b"1")[:-4] + bytes(4),
        chunk(b"unKn", b"1")[:-4] + bytes(4),
        chunk(b"acTL", b"1"),
    ],
    ids=lambda broken: broken[4:8].decode(),
)
@pytest.mark.parametrize("behind", [False, True])
def test_a_damaged_ancillary_chunk_keeps_no_png_out(broken: bytes, behind: bool) -> None:
    pixels = samples(1, 8, (28, 28))
    body = file_of(pixels, 0, 8, *([] if behind else [broken]))
    if behind:
        body = body[:-12] + broken + body[-12:]
    np.testing.assert_array_equal(read(body, LIMIT).pixels, pixels[..., 0])
    np.testing.assert_array_equal(thumbnail(body), pixels[..., 0])


def header(**fields: int) -> bytes:
    """A PNG of gray of 8 bits with other fields in its header."""
    values = {"width": 28, "height": 28, "depth": 8, "colour": 0, "method": 0, "filter": 0}
    values |= {"interlace": 0} | fields
    body = file_of(samples(1, 8, (28, 28)), 0, 8)
    return body[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", *values.values())) + body[33:]


def plain(*chunks: bytes, colour_type: int = 0, depth: int = 8) -> bytes:
    return file_of(samples(BANDS[colour_type], depth, (28, 28)), colour_type, depth, *chunks)


def behind_the_data(body: bytes, *chunks: bytes) -> bytes:
    return body[:-12] + b"".join(chunks) + body[-12:]


@pytest.mark.parametrize(
    "body",
    [
        header(method=128),
        header(method=1),
        header(filter=1),
        header(interlace=2),
        header(depth=3),
        header(depth=16, colour=3),
        header(colour=1),
        header(width=0),
        header(height=0),
        header(width=1 << 31),
        header()[:20] + b"\1" + header()[21:],
        header()[:8] + header()[33:],
        header()[:8] + chunk(b"tEXt", b"a\0b") + header()[8:],
        header()[:8] + chunk(b"IHDR", header()[16:28]) + header()[33:],
        b"\x89PNG\n" + header()[6:],
        plain(chunk(b"NEWc", b"")),
        behind_the_data(plain(), chunk(b"NEWc", b"")),
        plain(chunk(b"\0\0\0\0", b"")),
        plain(colour_type=3),
        plain(chunk(b"PLTE", b""), colour_type=3),
        plain(chunk(b"PLTE", bytes(7)), colour_type=3),
        plain(chunk(b"PLTE", bytes(3 * 257)), colour_type=3),
        plain(chunk(b"PLTE", bytes(9))[:-1] + b"\0", colour_type=3),
        behind_the_data(plain(colour_type=3), chunk(b"PLTE", bytes(9))),
        behind_the_data(plain(), chunk(b"tRNS", b"\0\0")),
        behind_the_data(plain(chunk(b"PLTE", bytes(9)), colour_type=3), chunk(b"tRNS", b"\0")),
        plain(chunk(b"tRNS", b"\0")),
        plain(chunk(b"tRNS", b"\0\0"), colour_type=2),
        plain(chunk(b"tRNS", b"\0\0")[:-1] + b"\0"),
        plain()[: plain().index(b"IDAT") - 4] + chunk(b"IEND", b""),
    ],
)
def test_a_png_that_breaks_what_pixels_depend_on_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody, match=r"picture: expected .*, received "):
        read(body, LIMIT)
    with pytest.raises(MalformedBody, match=r"picture: expected .*, received "):
        thumbnail(body, fit=True)


def test_data_behind_another_chunk_are_not_of_the_stream() -> None:
    body = plain()
    start, end = body.index(b"IDAT") - 4, len(body) - 12
    data = body[start + 8 : end - 4]
    parts = [chunk(b"IDAT", data[:50]), chunk(b"IDAT", data[50:])]
    joined = body[:start] + parts[0] + parts[1] + body[end:]
    np.testing.assert_array_equal(read(joined, LIMIT).pixels, read(body, LIMIT).pixels)
    with pytest.raises(MalformedBody, match="received a truncated one"):
        read(body[:start] + parts[0] + chunk(b"tEXt", b"a\0b") + parts[1] + body[end:], LIMIT)


def fault_of(body: bytes) -> str:
    try:
        read(body, LIMIT)
    except ServiceError as error:
        return str(error)
    return ""


def test_no_fault_is_told_in_words_of_python() -> None:
    random = np.random.default_rng(1)
    bodies = [
        *(encoded(smooth(size=(28, 28)), kind) for kind in ("PNG", "JPEG", "WEBP")),
        plain(chunk(b"PLTE", bytes(range(48))), colour_type=3, depth=4),
        encoded(smooth("CMYK"), "JPEG", progressive=True),
    ]
    words = ("bytes-like", "buffer", "index", "unpack", "codec", "object", "invalid literal")
    for body in bodies:
        for _ in range(150):
            broken = bytearray(body[: random.integers(1, len(body) + 1)])
            for place in random.integers(0, len(broken), 3):
                broken[place] = random.integers(256)
            assert not any(word in fault_of(bytes(broken)) for word in words)


@pytest.mark.parametrize(
    ("colour_type", "depth"), [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16)]
)
def test_fitting_puts_a_transparent_colour_on_black(colour_type: int, depth: int) -> None:
    largest = 2**depth - 1
    values = np.zeros((28, 28, BANDS[colour_type]), np.uint16)
    values[:14] = largest  # transparent; below is the darkest colour, with one that is between
    values[20:] = largest // 2
    key = struct.pack(">H", largest) * BANDS[colour_type]
    pixels = thumbnail(file_of(values, colour_type, depth, chunk(b"tRNS", key)), fit=True)
    np.testing.assert_array_equal(pixels[:20], 0)
    np.testing.assert_array_equal(pixels[20:], (largest // 2) * 255 // largest)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA"])
def test_fitting_puts_what_is_half_transparent_on_black(mode: str) -> None:
    picture = Image.new("RGBA", (28, 28), (200, 200, 200, 128))
    picture = picture.quantize() if mode == "PA" else picture.convert(mode)
    found = thumbnail(encoded(picture, "PNG"), fit=True)
    np.testing.assert_allclose(found, 200 * 128 / 255, atol=1)


def test_a_text_may_be_as_large_as_the_file() -> None:
    body = plain(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000))))
    assert thumbnail(body).shape == (28, 28)
