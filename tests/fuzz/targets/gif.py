"""GIF files."""

from tests.fuzz import photographs
from tests.fuzz.target import Target
from tests.service.photograph_files import encoded, smooth


def seeds() -> list[bytes]:
    picture = smooth(size=(9, 5)).quantize(8)
    return [
        encoded(picture, "GIF"),
        encoded(picture, "GIF", transparency=1, interlace=1, comment=b"comment"),
        encoded(smooth("L", (9, 5)), "GIF"),
        encoded(picture, "GIF", save_all=True, append_images=[smooth(size=(9, 5)).quantize(4)]),
    ]


WORDS = (b"GIF89a", b"\x21\xf9\4", b"\x2c\0\0\0\0", b"\x3b", b"\x21\xff\x0bNETSCAPE2.0")
TARGET = Target(photographs.run, seeds, share=150, words=WORDS)
