"""Raw files of cameras: DNG, by the library of the extra `raw`."""

from tests.fuzz import photographs
from tests.fuzz.target import Target
from tests.service.format_files import bayer, dng


def seeds() -> list[bytes]:
    sensor = bayer((22, 22))
    return [dng(sensor), dng(sensor, ">"), dng(bayer((26, 26)), shown=(2, 2, 24, 24))]


WORDS = (b"II*\0", b"MM\0*", b"\x12\xc6\1\0\4", b"\6\1\3\0\1\0\0\0\x23\x80")
TARGET = Target(photographs.run, seeds, share=100, longest=2048, words=WORDS)
