"""Files made to take long are refused, or read, in a time that grows with their size alone."""

import contextlib
import struct
import time
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from service.errors import ServiceError
from service.images.decode import read
from service.images.xmp import without_appended
from tests.service.photograph_files import LIMIT, encoded, exif, samples, smooth
from tests.service.png_files import chunk, file_of

MANY = 8_000_000
"""Bytes, which a second of Python's own loops does not get through."""
SECONDS = 3.0
JPEG = encoded(smooth(), "JPEG")
GIF, BMP = encoded(smooth("P"), "GIF"), encoded(smooth("P"), "BMP")
HEAD = 13 + (3 << (GIF[10] & 7) + 1)
"""Bytes of a GIF before its first block."""
PROGRESSIVE = encoded(smooth(), "JPEG", progressive=True)
CONTAINER = b'xmlns:c="http://ns.google.com/photos/1.0/container/"'


def in_text(keyword: bytes, text: bytes) -> bytes:
    metadata = chunk(b"iTXt", keyword + b"\0\1\0\0\0" + zlib.compress(text, 1))
    return file_of(samples(1), 0, 8, metadata)


def in_segments(start: bytes, content: bytes, marker: int = 0xED) -> bytes:
    room = 65_533 - len(start)
    parts = (start + content[at : at + room] for at in range(0, len(content), room))
    metadata = b"".join(struct.pack(">BBH", 0xFF, marker, len(part) + 2) + part for part in parts)
    return JPEG[:2] + metadata + JPEG[2:]


def chain(count: int) -> Iterator[bytes]:
    """Directories of a TIFF, each with a width and the place of the next one."""
    for at in range(8, 8 + 18 * count, 18):
        yield struct.pack("<HHHIII", 1, 256, 4, 1, 9, at + 18)


def directory(count: int) -> bytes:
    """EXIF data whose entries all point to the same large value."""
    entries = (struct.pack("<HHII", tag, 2, MANY // 2, 8) for tag in range(count))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + b"".join(entries)


def pointed_at() -> bytes:
    """A TIFF whose 256 pointers lead to one directory of 4096 entries, one of MANY / 8 numbers."""
    first = struct.pack("<HHHIII", 1, 330, 4, 256, 26, 0) + struct.pack("<256I", *[26 + 1024] * 256)
    behind = 26 + 1024 + 2 + 12 * 4096 + 4
    entries = [(262, 3, MANY // 8, behind), *((1000 + each, 4, 1, 0) for each in range(4095))]
    second = b"".join(struct.pack("<HHII", *each) for each in entries)
    return b"II*\0\x08\0\0\0" + first + struct.pack("<H", 4096) + second + bytes(4 + MANY // 4)


def directories_of_exif(count: int) -> bytes:
    """A WebP of EXIF data whose directories have so many entries, and are all in one place."""
    entries = struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<HHII", 0x0112, 3, 1, 6)
    directory = struct.pack("<H", count) + entries * (count // 2) + struct.pack("<I", 8)
    return encoded(smooth(), "WEBP", exif=b"II*\0\x08\0\0\0" + directory)


@pytest.mark.parametrize(
    "make",
    [
        lambda: JPEG[:2] + bytes(MANY) + JPEG[2:],
        lambda: JPEG[:2] + b"\xff" * MANY + JPEG[2:],
        lambda: JPEG[:2] + b"\xff\x01" * (MANY // 2) + JPEG[2:],
        lambda: JPEG[:2] + b"\xff\xfe\0\2" * (MANY // 4) + JPEG[2:],
        lambda: JPEG[:-2] + b"\xff\x01" * (MANY // 2) + JPEG[-2:],
        lambda: JPEG[:-2] + b"\xff\xd0" * (MANY // 2) + JPEG[-2:],
        lambda: PROGRESSIVE[:-2] + b"\xff\xd0" * (MANY // 2) + PROGRESSIVE[-2:],
        lambda: PROGRESSIVE[:-2] + bytes(MANY) + PROGRESSIVE[-2:],
        lambda: in_segments(b"Photoshop 3.0\0", b"8BIM\4\0\0\0\0\0\0\0" * (MANY // 12)),
        lambda: in_segments(b"Exif\0\0", directory(60_000) + bytes(MANY // 2), 0xE1),
        lambda: in_text(b"Raw profile type 8bim", b"\n8bim\n 9\n" + b"3842494d04000000" * 900_000),
        lambda: in_text(b"XML:com.adobe.xmp", b"<x " + CONTAINER + b">" + b"<" * MANY),
        lambda: in_text(b"XML:com.adobe.xmp", b"<x " + CONTAINER + b" a='" + b"x " * MANY),
        lambda: GIF[:HEAD] + b"!\xfe" + b"\1x" * (MANY // 4) + b"\0" + GIF[HEAD:],
        lambda: GIF[:HEAD] + b"!\xfe\0" * (MANY // 6) + GIF[HEAD:],
        lambda: GIF[:HEAD] + b"!\xfe" + b"\xff".ljust(256, b"x") * (MANY // 256) + GIF[HEAD:],
        lambda: b"II*\0\x08\0\0\0" + b"".join(chain(MANY // 18)),
        lambda: b"II*\0\x08\0\0\0\xff\xff" + bytes(MANY),
        pointed_at,
        lambda: directories_of_exif(65_534),
        lambda: (
            b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 330, 4, MANY // 4, 26, 0) + bytes(MANY)
        ),
        lambda: b"\0\0\0\x0cftypheic" + b"\0\0\0\x08free" * (MANY // 8),
        lambda: b"\0\0\0\x10ftypavif\0\0\0\0" + b"\0\0\0\x08free" * (MANY // 8),
        lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x08free" * (MANY // 8),
        lambda: b"\xff\x4f" + b"\xff\x64\0\2" * (MANY // 4),
        lambda: b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x08free" * (MANY // 8),
        lambda: BMP[:14] + struct.pack("<IiiHHII", 40, 900, 900, 1, 8, 1, 0) + bytes(1044 + MANY),
        lambda: b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(10) + b"ANMF\0\0\0\0" * (MANY // 8),
    ],
)
def test_a_hostile_file_takes_no_longer_than_its_size_asks_for(make: Callable[[], bytes]) -> None:
    body = make()
    started = time.process_time()
    with contextlib.suppress(ServiceError):
        read(body, LIMIT)
    assert time.process_time() - started < SECONDS


def test_a_tag_of_many_attributes_is_edited_in_one_pass() -> None:
    count = 50_000
    attributes = b" ".join(b'c:a%d="1" k%d="1"' % (n, n) for n in range(count))
    declared = b" ".join(
        b'xmlns:d%d="http://ns.adobe.com/hdr-gain-map/%d/"' % (n, n) for n in range(99)
    )
    started = time.process_time()
    edited = without_appended(b"<x " + CONTAINER + b" " + declared + b" " + attributes + b"/>")
    assert time.process_time() - started < SECONDS
    assert edited is not None
    assert edited.count(b'="1"') == count
    assert b"http:" not in edited


def test_a_deep_packet_is_edited() -> None:
    depth = 20_000
    xmp = b"<x>" * depth + b"<c:a " + CONTAINER + b"/>" + b"</x>" * depth
    assert without_appended(xmp) == b"<x>" * depth + b"</x>" * depth


def test_a_large_picture_with_a_mark_for_its_last_pixel_is_read() -> None:
    pixels = np.full((300, 300), 0x5A, np.uint8)
    body = encoded(Image.fromarray(pixels), "PNG")
    np.testing.assert_array_equal(read(body, LIMIT).pixels, pixels)


@pytest.mark.parametrize(("unit", "expected"), [(2, 300.0), (3, 762.0)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_resolution_of_a_jpeg_may_be_in_exif(order: str, unit: int, expected: float) -> None:
    exif_data = Image.Exif()
    exif_data[0x011A], exif_data[0x011B], exif_data[0x0128] = 300, 300, unit
    exif_data.endian = order
    body = encoded(smooth(), "JPEG", exif=exif_data.tobytes())
    body = body[:2] + body[20:]  # without JFIF
    assert read(body, LIMIT).metadata.dpi == pytest.approx((expected, expected))
    plain = encoded(smooth(), "JPEG", exif=b"Exif\0\0" + exif(order, 1))
    assert read(plain[:2] + plain[20:], LIMIT).metadata.dpi == (72, 72)
