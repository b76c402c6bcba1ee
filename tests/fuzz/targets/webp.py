"""WebP files."""

from tests.fuzz import photographs
from tests.fuzz.target import Target
from tests.service.photograph_files import SRGB, XMP, encoded, exif, smooth


def seeds() -> list[bytes]:
    picture, clear = smooth(size=(9, 5)), smooth("RGBA", (9, 5))
    return [
        encoded(picture, "WEBP"),
        encoded(picture, "WEBP", lossless=True),
        encoded(clear, "WEBP", exif=exif("<", 6), xmp=XMP, icc_profile=SRGB),
        encoded(clear, "WEBP", lossless=True, exact=True),
        encoded(picture, "WEBP", save_all=True, append_images=[clear]),
    ]


WORDS = (b"VP8X", b"VP8L", b"VP8 ", b"ALPH", b"ANMF", b"ANIM", b"EXIF", b"ICCP", b"\x9d\1\x2a")
TARGET = Target(photographs.run, seeds, share=150, words=WORDS)
