"""JPEG XL files, by the plugin of the extra `jxl`."""

from tests.fuzz import photographs
from tests.fuzz.target import Target
from tests.service.format_files import ANIMATION, jxl
from tests.service.photograph_files import exif, smooth


def seeds() -> list[bytes]:
    picture = smooth(size=(9, 5))
    return [
        jxl(picture, lossless=True),
        jxl(smooth("L", (9, 5))),
        jxl(smooth("RGBA", (9, 5)), exif=exif("<", 6)),
        ANIMATION,
    ]


WORDS = (b"\xff\x0a", b"jxlc", b"jxlp", b"jbrd", b"Exif")
TARGET = Target(photographs.run, seeds, share=100, words=WORDS)
