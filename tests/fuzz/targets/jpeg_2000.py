"""JPEG 2000 files, as far as the service's own process reads them: boxes and main header."""

import contextlib
import io

from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from service.images.decode import open_image
from service.images.formats import JP2
from service.images.jp2_codestream import header_of
from tests.fuzz.photographs import MOST_PIXELS, REFUSED
from tests.fuzz.target import Fault, Target
from tests.service.photograph_files import encoded, smooth


def run(data: bytes) -> None:
    """Open a file and read its metadata; its pixels are decoded in a process of their own."""
    with contextlib.suppress(*REFUSED):
        header_of(memoryview(data))
    try:
        image = open_image(data, MOST_PIXELS)
    except REFUSED:
        return
    if image.media_type != JP2:
        return
    metadata = image.metadata()
    if metadata.exif != image.exif():
        raise Fault(f"expected one and the same EXIF, received {metadata.exif!r}")


def seeds() -> list[bytes]:
    files = [
        encoded(smooth(mode, (9, 5)), "JPEG2000", **options)
        for mode, options in (
            ("RGB", {}),
            ("L", {"no_jp2": True}),
            ("RGBA", {"irreversible": True}),
            ("LA", {"tile_size": (4, 4)}),
        )
    ]
    assert all(Jpeg2KImageFile(io.BytesIO(file)).size == (9, 5) for file in files)
    exif = b"\0\0\0\x20uuidJpgTiffExif->JP2II*\0\x08\0\0\0"
    return [*files, files[0] + exif, *(file[file.index(b"\xff\x4f") :] for file in files)]


WORDS = (
    b"jp2h",
    b"ihdr",
    b"colr",
    b"pclr",
    b"cdef",
    b"jp2c",
    b"uuid",
    b"\xff\x51",
    b"\xff\x52",
    b"\xff\x90",
)
TARGET = Target(run, seeds, share=300, words=WORDS)
