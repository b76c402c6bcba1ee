"""JPEG XL files, by the plugin that the extra `jxl` installs.

ISO/IEC 18181-1, section 9.2 (size of the codestream); 18181-2, sections 8 and 9 (boxes). The plugin
decodes as soon as it opens a file, so that the size is read here first.
"""

import functools
import io

from PIL import Image

from service.errors import MalformedBody
from service.images.formats import READ_ALL, Policy
from service.images.isobmff import boxes
from service.images.photograph import JXL, EncodedImage, Metadata, Samples
from service.images.pillow import samples_of, split

HEAD = 14
"""Bytes of a codestream that hold its size."""
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, by the number that a header has."""
MODES = ("L", "LA", "RGB", "RGBA", "I;16")
"""Pillow's modes of photographs."""
SELECTED = (9, 13, 18, 30)
"""Bits of a side, by selector."""


def open_jxl(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return a JPEG XL file as decode.open_image() does. Raises MalformedBody."""
    view = memoryview(body)
    stream, names = _codestream(view)
    size = _size(stream)
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
        JXL, size, "RGB", 1, samples, lambda: metadata().exif, metadata, is_upright=not is_jpeg
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


def _size(stream: bytes) -> tuple[int, int]:
    """Return (width, height) of a codestream, of which bits are read from the lowest on."""
    bits = int.from_bytes(stream[2:], "little")
    if len(stream) < HEAD or stream[:2] != b"\xff\x0a":
        raise MalformedBody("picture: expected a whole picture, received its start")

    def taken(count: int) -> int:
        nonlocal bits
        value, bits = bits & ((1 << count) - 1), bits >> count
        return value

    is_small = taken(1)

    def side() -> int:
        return 8 * (taken(5) + 1) if is_small else 1 + taken(SELECTED[taken(2)])

    height = side()
    ratio = taken(3)
    if not ratio:
        return side(), height
    above, below = RATIOS[ratio - 1]
    return height * above // below, height
