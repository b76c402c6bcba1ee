"""BMP files of 1 to 32 bits that are not compressed by run lengths.

Microsoft, "Bitmap Storage" (BITMAPINFOHEADER to BITMAPV5HEADER).
"""

import functools
import io

from PIL import Image

from service.errors import MalformedBody, UnsupportedMediaType
from service.images.formats import BMP, READ_ALL, Policy
from service.images.photograph import EncodedImage, Metadata, Samples
from service.images.pillow import samples_of, split

WITH_COMPRESSION, RUN_LENGTHS = 40, (1, 2)
"""Bytes of the first header that has biCompression, and its values BI_RLE8 and BI_RLE4."""
FIVES_AND_SIXES = {"BGR;15": (5, 5, 5), "BGR;16": (5, 6, 5)}
"""Bits of red, green and blue by Pillow's raw modes of 16 bits a pixel."""


def open_bmp(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return a BMP file as decode.open_image() does. Raises MalformedBody."""
    from PIL.BmpImagePlugin import BmpImageFile

    view = memoryview(body)
    if len(view) < 26 or view[14] < 12 or any(view[15:18]):
        raise MalformedBody("picture: expected a whole picture, received a part of one")

    if view[14] >= WITH_COMPRESSION and view[30] in RUN_LENGTHS:
        # Pillow decodes them in Python, a byte at a time: 50 MP take a minute.
        raise UnsupportedMediaType(
            "picture: expected BMP without run lengths, received one with them; not read here"
        )

    @functools.cache
    def picture() -> BmpImageFile:
        return BmpImageFile(io.BytesIO(body))

    size, (tile,) = picture().size, picture().tile
    raw = tile.args[0] if isinstance(tile.args, tuple) else ""

    def samples(orientation: int) -> tuple[Samples, Samples | None]:
        image: Image.Image = picture()
        image.load()
        picture.cache_clear()  # frees the decoded image before the samples are used
        if bits := FIVES_AND_SIXES.get(raw):
            image = image.point([value for each in bits for value in _rounded(each)])
        elif image.mode not in ("L", "RGB", "RGBA"):
            image = image.convert("L" if image.mode == "1" else "RGB")
        return split(samples_of(image, orientation))

    return EncodedImage(
        BMP,
        size,
        picture().mode,
        1,
        samples,
        lambda: None,
        lambda: Metadata(dpi=picture().info.get("dpi")),
    )


def _rounded(bits: int) -> list[int]:
    """Return the nearest 8 bits for values that Pillow widened from fewer, rounding down."""
    most = (1 << bits) - 1
    return [round(-(-value * most // 255) * 255 / most) for value in range(256)]
