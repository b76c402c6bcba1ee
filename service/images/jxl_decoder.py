"""JPEG XL files, by the plugin that the extra `jxl` installs.

ISO/IEC 18181-1, annex D (headers of the codestream); 18181-2, sections 8 and 9 (boxes). The plugin
decodes as soon as it opens a file, and of an animation the first frame: size and frames are read
here first.
"""

import functools
import io
from dataclasses import dataclass

from PIL import Image

from service.errors import MalformedBody
from service.images.formats import JXL, READ_ALL, Policy
from service.images.isobmff import boxes
from service.images.photograph import EncodedImage, Metadata, Samples
from service.images.pillow import samples_of, split

LEAST, HEAD = 14, 40
"""Bytes that a codestream has at least, and that hold its size and whether it moves."""
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, by the number that a header has."""
MODES = ("L", "LA", "RGB", "RGBA", "I;16")
"""Pillow's modes of photographs."""
SELECTED = (9, 13, 18, 30)
"""Bits of a side, by selector."""
PREVIEW_SELECTED = ((6, 8, 10, 12), (0, 0, 5, 9))
"""The same of a preview, whose sides may be given in eights."""


def open_jxl(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return a JPEG XL file as decode.open_image() does. Raises MalformedBody."""
    view = memoryview(body)
    stream, names = _codestream(view)
    size, is_animated = _header(stream)
    is_jpeg = b"jbrd" in names  # then it is the JPEG that it was made of, as that was stored

    @functools.cache
    def picture() -> Image.Image:
        from pillow_jxl.JpegXLImagePlugin import JXLImageFile

        image: Image.Image = JXLImageFile(io.BytesIO(body))
        if sorted(image.size) != sorted(size):  # of which the memory was bounded
            raise MalformedBody("picture: expected the size of its header, received another")
        return image

    def samples(orientation: int) -> tuple[Samples, Samples | None]:
        image = picture()
        picture.cache_clear()  # frees the decoded image before the samples are used
        image.load()
        if image.mode not in MODES:
            image = image.convert("RGB")
        return split(samples_of(image, orientation))

    def metadata() -> Metadata:
        info = picture().info
        return Metadata(icc=info.get("icc_profile"), exif=info.get("exif"))

    return EncodedImage(
        JXL,
        size,
        "RGB",
        2 if is_animated else 1,
        samples,
        lambda: metadata().exif,
        metadata,
        is_upright=not is_jpeg,
    )


def _codestream(view: memoryview) -> tuple[bytes, set[bytes]]:
    """Return the first bytes of the codestream, and the types of the boxes around it."""
    if bytes(view[:2]) == b"\xff\x0a":
        return bytes(view[:HEAD]), set()
    found = list(boxes(view))
    parts = (
        bytes(data[4 if name == b"jxlp" else 0 :][:HEAD])  # behind the number of a part
        for name, data in found
        if name in (b"jxlc", b"jxlp")
    )
    return b"".join(parts)[:HEAD], {name for name, _ in found}


def _header(stream: bytes) -> tuple[tuple[int, int], bool]:
    """Return (width, height) of a codestream, and whether it is an animation (D.2, D.3)."""
    if len(stream) < LEAST or stream[:2] != b"\xff\x0a":
        raise MalformedBody("picture: expected a whole picture, received its start")
    bits = _Bits(int.from_bytes(stream[2:], "little"))
    size = _size(bits)
    if bits.take(1) or not bits.take(1):  # all fields by default, or none of those below
        return size, False
    bits.take(3)  # the orientation
    if bits.take(1):  # the size at which it is to be shown
        _size(bits)
    if bits.take(1):
        _skip_preview(bits)
    return size, bool(bits.take(1))


@dataclass(slots=True)
class _Bits:
    """Bits that are read from the lowest on."""

    left: int

    def take(self, count: int) -> int:
        value, self.left = self.left & ((1 << count) - 1), self.left >> count
        return value


def _size(bits: _Bits) -> tuple[int, int]:
    is_small = bits.take(1)

    def side() -> int:
        return 8 * (bits.take(5) + 1) if is_small else 1 + bits.take(SELECTED[bits.take(2)])

    height = side()
    ratio = bits.take(3)
    if not ratio:
        return side(), height
    above, below = RATIOS[ratio - 1]
    return height * above // below, height


def _skip_preview(bits: _Bits) -> None:
    counts = PREVIEW_SELECTED[bits.take(1)]
    bits.take(counts[bits.take(2)])
    if not bits.take(3):
        bits.take(counts[bits.take(2)])
