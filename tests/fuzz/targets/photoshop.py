"""Photoshop image resource blocks."""

from service.images.photoshop import THUMBNAILS, _split, block, has_iptc, without_thumbnail
from tests.fuzz.target import Fault, Target


def run(data: bytes) -> None:
    left = without_thumbnail(data)
    if left is None:
        return
    numbers = [number for number, _ in _split(left)]
    if not numbers or set(numbers) & set(THUMBNAILS) or without_thumbnail(left) != left:
        raise Fault(f"expected blocks without thumbnails, received {left!r}")
    if not data.startswith(b"\x1c") and has_iptc(data) != has_iptc(left):
        raise Fault(f"expected IPTC to stay, received {left!r}")


def seeds() -> list[bytes]:
    return [
        block(0x0404, b"\x1c\2\5\0\1a"),
        block(0x0409, b"thumbnail") + block(0x040C, b"") + block(0x03ED, bytes(16)),
        b"8BIM\4\4\3abc\0\0\0\3xyz\0" + block(1, b"") + b"8BIM",
        b"\x1c\2\5\0\1a",
    ]


WORDS = (b"8BIM\4\4\0\0\0\0\0\1", b"8BIM\4\x09\0\0", b"\x1c\2")
TARGET = Target(run, seeds, share=900, longest=256, words=WORDS)
