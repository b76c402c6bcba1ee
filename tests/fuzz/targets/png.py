"""PNG files, as they come and with checksums that are right."""

import struct
import zlib

from PIL import Image

from tests.fuzz import photographs
from tests.fuzz.target import Target
from tests.service.photograph_files import SRGB, XMP, encoded, exif, samples, smooth
from tests.service.png_files import BANDS, chunk, file_of, raw_profile

SIZE = (9, 5)


def run(data: bytes) -> None:
    photographs.run(data)
    photographs.run(with_checksums(data))


def with_checksums(data: bytes) -> bytes:
    """Return a file in which the checksum of each chunk is that of its content."""
    parts, at = [data[:8]], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 4 : at + 8 + length]
        parts += [data[at : at + 4], body, struct.pack(">I", zlib.crc32(body))]
        at += 12 + length
    return b"".join([*parts, data[at:]])


def seeds() -> list[bytes]:
    chunks = [
        chunk(b"gAMA", struct.pack(">I", 45455)),
        chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        chunk(b"iCCP", b"a\0\0" + zlib.compress(SRGB)),
        chunk(b"cICP", bytes([9, 16, 0, 1])),
        chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
        chunk(b"eXIf", exif("<", 6)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        chunk(b"zTXt", b"\0\0".join(each for each in _profile(b"iptc", b"\x1c\2\0"))),
        chunk(b"tEXt", b"Comment\0text"),
    ]
    files = [
        file_of(
            samples(bands, size=SIZE[::-1]), kind, 8, *chunks[place::3], interlaced=place % 2 == 1
        )
        for place, (kind, bands) in enumerate(BANDS.items())
        if kind != 3
    ]
    palette = chunk(b"PLTE", bytes(range(48))), chunk(b"tRNS", bytes(range(16)))
    files.append(file_of(samples(1, 8, SIZE[::-1]) % 16, 3, 4, *palette, chunks[5]))
    files.append(file_of(samples(3, 16, SIZE[::-1]), 2, 16, chunk(b"tRNS", bytes(6))))
    files.append(
        file_of(samples(1, 8, SIZE[::-1]) % 2, 0, 1, chunk(b"acTL", bytes([0, 0, 0, 1] * 2)))
    )
    files.append(encoded(Image.new("RGB", (3, 200))))
    return [*files, encoded(smooth(size=SIZE), exif=exif(">", 3), icc_profile=SRGB)]


def _profile(name: bytes, content: bytes) -> tuple[bytes, bytes]:
    keyword, text = raw_profile(name, content)
    return keyword, zlib.compress(text)


WORDS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"iCCP", b"zTXt", b"\0\0\0\0")
TARGET = Target(run, seeds, share=150, longest=2048, words=WORDS)
