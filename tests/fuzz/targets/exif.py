"""EXIF data: made upright, with other sizes, and their resolution."""

import math

from service.images import exif
from tests.fuzz.target import Fault, Target
from tests.service import photograph_files


def run(data: bytes) -> None:
    if not all(map(math.isfinite, exif.dpi_of(data))):
        raise Fault("expected a finite resolution, received another")
    if len(exif.resized(data, 70_000, 5)) != len(data):
        raise Fault("expected data of the same length, received others")
    try:
        orientation, upright = exif.made_upright(data)
    except ValueError:
        return
    again, same = exif.made_upright(upright)
    if (
        len(upright) != len(data)
        or orientation not in (None, *range(1, 9))
        or again not in (None, 1)
    ):
        raise Fault(f"expected an orientation and the same length, received {orientation}, {again}")
    if same != upright:
        raise Fault(f"expected what is upright to stay, received {same!r} of {upright!r}")


def seeds() -> list[bytes]:
    whole = [photograph_files.exif(order, number) for order in "<>" for number in (1, 3, 6, 9)]
    return [*whole, *(each[:size] for each in whole[:2] for size in (8, 12, 40, 120))]


WORDS = (b"II*\0", b"MM\0*", b"\x12\1\3\0\1\0\0\0", b"\x69\x87\4\0\1\0\0\0", b"\x1a\1\5\0\1\0\0\0")
TARGET = Target(run, seeds, share=1100, longest=512, words=WORDS)
