"""BMP files."""

from tests.fuzz import photographs
from tests.fuzz.target import Target
from tests.service.photograph_files import encoded, smooth


def seeds() -> list[bytes]:
    modes = ("1", "L", "RGB", "RGBA")
    files = [encoded(smooth(mode, (9, 5)), "BMP", dpi=(72, 72)) for mode in modes]
    few = encoded(smooth("L", (9, 5)).quantize(4), "BMP")
    os2 = b"BM" + few[2:10] + b"\x1a\0\0\0" + b"\x0c\0\0\0\x09\0\5\0\1\0\x18\0" + bytes(140)
    return [*files, few, os2]


TARGET = Target(photographs.run, seeds, share=100, longest=1536, words=(b"BM", b"\x28\0\0\0"))
