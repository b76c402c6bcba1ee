"""WebP files: the size in the header first, before Pillow's decoder takes memory for the pixels.

RFC 9649 (WebP), sections 2.3 to 2.7 and, for lossless data, 3.4; RFC 6386 (VP8), section 9.1.
"""

import functools
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL.WebPImagePlugin import WebPImageFile

from service.errors import MalformedBody
from service.images.formats import READ_ALL, WEBP, Policy
from service.images.photograph import EncodedImage, Metadata, Samples
from service.images.pillow import samples_of, split

ALPHA = 0x10
"""The flag of VP8X for an alpha channel."""
MAX_CHUNKS = 1 << 17
SIDE = 0x3FFF
"""The bits of a side in VP8 and VP8L."""


@dataclass(frozen=True, slots=True)
class Header:
    """A WebP file: (width, height) in pixels, whether it has alpha or losses, and its frames."""

    size: tuple[int, int]
    has_alpha: bool
    frames: int
    is_lossless: bool


def open_webp(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return a WebP file as decode.open_image() does. Raises MalformedBody."""
    header = _header(body)

    @functools.cache
    def picture() -> WebPImageFile:
        return WebPImageFile(io.BytesIO(body))

    def samples(orientation: int) -> tuple[Samples, Samples | None]:
        image = picture()
        if image.size != header.size:  # of which the memory was bounded
            raise MalformedBody("picture: expected the size of its header, received another")
        image.load()
        picture.cache_clear()  # frees the decoded image before the samples are used
        return split(samples_of(image, orientation))

    def metadata() -> Metadata:
        info = picture().info
        return Metadata(icc=info.get("icc_profile"), exif=info.get("exif"), xmp=info.get("xmp"))

    return EncodedImage(
        WEBP,
        header.size,
        "RGBA" if header.has_alpha else "RGB",
        header.frames,
        samples,
        lambda: picture().info.get("exif"),
        metadata,
        is_lossless=header.is_lossless,
    )


def _header(body: bytes | memoryview) -> Header:
    """Return the header of a WebP file.

    Raises:
        MalformedBody: The first chunk is not one of an image.
    """
    found = _chunks(memoryview(body))
    name, data = next(found, (b"", memoryview(b"")))
    if name == b"VP8X" and len(data) >= 10:
        flags, sides = data[0], int.from_bytes(data[4:10], "little")
        size = (sides & 0xFFFFFF) + 1, (sides >> 24) + 1
        names = [name for name, _ in found]
        frames, is_lossless = names.count(b"ANMF"), b"VP8L" in names
        return Header(size, bool(flags & ALPHA), max(1, frames), is_lossless)
    if name == b"VP8L" and len(data) >= 5 and data[0] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 1)
        return Header(((bits & SIDE) + 1, (bits >> 14 & SIDE) + 1), bool(bits >> 28 & 1), 1, True)
    if name == b"VP8 " and len(data) >= 10 and bytes(data[3:6]) == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 6)
        if width & SIDE and height & SIDE:
            return Header((width & SIDE, height & SIDE), False, 1, False)
    raise MalformedBody("picture: expected a whole picture, received its start or a damaged one")


def _chunks(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the name and the data of each chunk, as far as the file goes."""
    at = 12
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(view):
            return
        name, size = struct.unpack_from("<4sI", view, at)
        yield name, view[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
