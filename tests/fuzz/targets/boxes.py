"""Boxes of HEIF, AVIF, JPEG 2000 and JPEG XL files."""

import contextlib

from service.errors import MalformedBody
from service.images.avif_decoder import colour
from service.images.decode import media_type_of, named, recognised
from service.images.isobmff import boxes, brands, coded_pixels, first, primary_properties
from tests.fuzz.photographs import REFUSED
from tests.fuzz.target import Fault, Target
from tests.fuzz.targets import avif, heic, jpeg_2000


def run(data: bytes) -> None:
    view = memoryview(data)
    brands(data)
    for read in (
        lambda: first(view, b"meta", b"iprp", b"ipco"),
        lambda: primary_properties(view),
        lambda: coded_pixels(view),
        lambda: colour(data),
    ):
        with contextlib.suppress(MalformedBody):
            read()
    with contextlib.suppress(MalformedBody):
        if sum(len(content) for _, content in boxes(view)) > len(data):
            raise Fault("expected boxes one behind another, received others")
    named(data[:64])
    recognised(data)
    with contextlib.suppress(*REFUSED):
        media_type_of(data)


def seeds() -> list[bytes]:
    return [each[:1024] for each in (*avif.seeds(), *heic.seeds(), *jpeg_2000.seeds())]


TARGET = Target(run, seeds, share=200, words=(*avif.WORDS, *heic.WORDS, *jpeg_2000.WORDS))
