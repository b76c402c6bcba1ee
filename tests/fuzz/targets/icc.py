"""ICC profiles, and the colour chunks of a PNG that a profile is made of."""

import io
import struct

from PIL import Image, ImageCms

from service.images.icc import has_high_range, in_srgb, profile_for
from service.images.photograph import ColourChunks, Metadata
from tests.fuzz.target import Fault, Target
from tests.service.photograph_files import SRGB

CHUNKS = ">B4s9I"
"""Which chunks there are, cICP, cHRM and gAMA."""
PICTURES = [Image.new(mode, (1, 1)) for mode in ("L", "RGB", "CMYK")]


def run(data: bytes) -> None:
    """The first bytes are chunks of colours, the rest is a profile."""
    head, icc = data[: struct.calcsize(CHUNKS)], data[struct.calcsize(CHUNKS) :]
    flags, cicp, *numbers = struct.unpack(CHUNKS, head.ljust(struct.calcsize(CHUNKS), b"\0"))
    colour = ColourChunks(
        cicp if flags & 1 else None,
        tuple(each / 100_000 for each in numbers[:8]) if flags & 2 else None,
        numbers[8] / 100_000 if flags & 4 else None,
        bool(flags & 8),
    )
    has_high_range(colour)
    profile = icc if flags & 16 else None
    for was_gray, is_gray in ((False, False), (True, False), (True, True)):
        found = profile_for(
            Metadata(icc=profile, colour=colour), was_gray=was_gray, is_gray=is_gray
        )
        if found is not None and found != profile:
            ImageCms.ImageCmsProfile(io.BytesIO(found))
    if profile:
        for picture in PICTURES:
            shown = in_srgb(picture, profile)
            if shown is not None and (shown.mode, shown.size) != ("RGB", picture.size):
                raise Fault(f"expected sRGB, received {shown}")


def seeds() -> list[bytes]:
    srgb = 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000
    gray = profile_for(Metadata(colour=ColourChunks(gamma=0.6)), was_gray=True, is_gray=True) or b""
    small = profile_for(Metadata(colour=ColourChunks(gamma=0.6)), was_gray=False, is_gray=False)
    return [
        struct.pack(CHUNKS, flags, cicp, *points, gamma) + icc
        for flags, cicp, points, gamma, icc in (
            (1, b"\1\x0d\0\1", srgb, 45455, b""),
            (1, b"\x09\x10\0\1", srgb, 0, b""),
            (6, b"\x0c\x12\0\1", srgb, 60000, b""),
            (6, b"\0\0\0\0", (1,) * 8, 1000, b""),
            (4, b"\0\0\0\0", srgb, 100_000, b""),
            (16, b"\0\0\0\0", srgb, 0, gray),
            (16, b"\0\0\0\0", srgb, 0, small or b""),
            (24, b"\0\0\0\0", srgb, 0, SRGB[:400]),
        )
    ]


TARGET = Target(
    run, seeds, share=150, longest=768, words=(b"GRAY", b"RGB ", b"kTRC", b"curv", b"para", b"acsp")
)
