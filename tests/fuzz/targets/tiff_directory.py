"""Directories of TIFF files: pages, layout, and metadata that move to other formats."""

import contextlib

from service.errors import MalformedBody, UnsupportedMediaType
from service.images.tiff_directory import Tiff
from service.images.tiff_layout import layout_of
from service.images.tiff_metadata import exif_of, metadata_of
from tests.fuzz.target import Fault, Target
from tests.fuzz.targets import exif, tiff
from tests.service import photograph_files

MOST = 1 << 20
"""Bytes of metadata that a short file may become, by many entries that point to the same bytes."""


def run(data: bytes) -> None:
    try:
        file = Tiff(data)
        entries, following = file.directory(file.start)
    except MalformedBody:
        return
    file.is_raw()
    file.pages(following)
    with contextlib.suppress(MalformedBody, UnsupportedMediaType):
        layout_of(file, entries)
    metadata = metadata_of(file, entries, 6, keeps_icc=True)
    found = exif_of(file, entries, 6)
    if found != metadata.exif or len(found or b"") > MOST:
        raise Fault(
            f"expected the same EXIF, of at most {MOST} bytes, received {len(found or b'')}"
        )
    if found is not None:
        exif.run(found)


def seeds() -> list[bytes]:
    return [*(photograph_files.exif(order, 6) for order in "<>"), *tiff.seeds()]


TARGET = Target(run, seeds, share=200, words=(*exif.WORDS, *tiff.WORDS))
