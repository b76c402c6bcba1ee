"""JPEG files."""

from service.images.formats import Policy
from tests.fuzz import photographs
from tests.fuzz.target import Target
from tests.service.photograph_files import SRGB, XMP, encoded, exif, smooth

LENIENT = Policy(reads_truncated=True)


def run(data: bytes) -> None:
    """Read a file strictly, and then as where truncated files are accepted."""
    if not photographs.is_read(data):
        photographs.is_read(data, LENIENT)


def seeds() -> list[bytes]:
    small, gray, cmyk = (smooth(mode, (9, 5)) for mode in ("RGB", "L", "CMYK"))
    wide = smooth(size=(24, 16))
    return [
        encoded(small, "JPEG", exif=b"Exif\0\0" + exif("<", 6), dpi=(72, 72)),
        encoded(small, "JPEG", progressive=True, xmp=XMP, comment=b"comment"),
        encoded(wide, "JPEG", restart_marker_blocks=1, subsampling="4:2:0"),
        encoded(wide, "JPEG", progressive=True, restart_marker_rows=1)[:-40],
        encoded(gray, "JPEG", icc_profile=SRGB),
        encoded(cmyk, "JPEG", icc_profile=SRGB),
        encoded(gray, "JPEG")[:-8],
        encoded(small, "JPEG", extra=b"\xff\xed\0\x1aPhotoshop 3.0\x008BIM\4\4\0\0\0\0"),
    ]


WORDS = (b"\xff\xd9", b"\xff\xda", b"\xff\xd0", b"\xff\xc2", b"Exif\0\0", b"ICC_PROFILE\0", b"8BIM")
TARGET = Target(run, seeds, share=100, longest=2048, words=WORDS)
