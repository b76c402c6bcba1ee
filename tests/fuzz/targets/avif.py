"""AVIF files."""

from tests.fuzz import photographs
from tests.fuzz.target import Target
from tests.service.photograph_files import SRGB, XMP, encoded, exif, smooth


def seeds() -> list[bytes]:
    picture, clear = smooth(size=(9, 5)), smooth("RGBA", (9, 5))
    return [
        encoded(picture, "AVIF"),
        encoded(clear, "AVIF", exif=exif("<", 6), xmp=XMP, icc_profile=SRGB),
        encoded(smooth("L", (9, 5)), "AVIF", subsampling="4:0:0"),
        encoded(picture, "AVIF", save_all=True, append_images=[clear]),
    ]


WORDS = (b"ftypavif", b"meta", b"pitm", b"iprp", b"ipco", b"ipma", b"ispe", b"colrnclx", b"irot")
TARGET = Target(photographs.run, seeds, share=100, longest=2048, words=WORDS)
