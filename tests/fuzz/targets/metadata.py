"""Metadata of any content, as they are written into each format and read from it again."""

import struct

import numpy as np

from service.images.decode import _made_upright, decode, open_image
from service.images.encode import write
from service.images.formats import JPEG, MEDIA_TYPES, PNG
from service.images.photograph import ColourChunks, Metadata, Photograph
from tests.fuzz.photographs import FAST
from tests.fuzz.target import Fault, Target
from tests.fuzz.targets import exif, icc, photoshop, xmp

GRAY, COLOUR = np.zeros((2, 3), np.uint8), np.zeros((2, 3, 3), np.uint16)


def run(data: bytes) -> None:
    """The first byte says what kind of metadata the rest is, and in which format it is written."""
    kind, rest = (data[:1] or b"\0")[0], data[1:]
    numbers = struct.unpack(">10I", rest[:40].ljust(40, b"\0"))
    stored = (
        Metadata(exif=rest),
        Metadata(xmp=rest),
        Metadata(icc=rest),
        Metadata(photoshop=rest or None),
        Metadata(dpi=(numbers[0] / 16, numbers[1] / 16)),
        Metadata(
            colour=ColourChunks(
                rest[40:44] if len(rest) > 43 else None,
                tuple(each / 100_000 for each in numbers[2:]),
                numbers[1] / 100_000,
            )
        ),
    )[kind % 6]
    _, metadata = _made_upright(stored, is_upright=False)
    number = kind // 6
    media_type, number = FAST[number % len(FAST)], number // len(FAST)
    pixels, own = (GRAY, COLOUR)[number % 2], (PNG, JPEG)[number // 2 % 2]
    found = decode(open_image(write(Photograph(pixels, None, own, metadata), media_type)))
    if found.pixels.shape[:2] != pixels.shape[:2]:
        raise Fault(f"expected {pixels.shape}, received {found.pixels.shape}")


def seeds() -> list[bytes]:
    assert set(FAST) < set(MEDIA_TYPES)
    contents = (
        *exif.seeds()[:4],
        *xmp.seeds()[:3],
        *(each[41:] for each in icc.seeds()[5:]),
        *photoshop.seeds(),
        struct.pack(">2I", 72 * 16, 65535 * 16),
        struct.pack(">2I", 1, 1 << 20),
        struct.pack(">2I8I", 0, 45455, 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
    )
    kinds = (0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5)
    return [
        bytes([kind + 6 * place]) + content
        for number, (kind, content) in enumerate(zip(kinds, contents, strict=True))
        for place in range(number % 3, 4 * len(FAST), 3)
    ]


TARGET = Target(run, seeds, share=100, words=(*exif.WORDS, *photoshop.WORDS, *xmp.WORDS))
