"""HEIC files."""

from tests.fuzz import photographs
from tests.fuzz.target import Target
from tests.service.format_files import deep_heic, heic
from tests.service.photograph_files import SRGB, exif, samples, smooth


def seeds() -> list[bytes]:
    clear = smooth("RGBA", (9, 5))
    return [
        heic(smooth(size=(9, 5))),
        heic(clear, exif=exif("<", 6)),
        heic(smooth("L", (9, 5)), icc_profile=SRGB),
        deep_heic(samples(3, 16, (5, 9))),
    ]


WORDS = (b"ftypheic", b"meta", b"pitm", b"iprp", b"ipco", b"ipma", b"ispe", b"hvcC", b"iloc")
TARGET = Target(photographs.run, seeds, share=100, longest=2048, words=WORDS)
