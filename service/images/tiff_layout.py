"""How the first page of a TIFF file stores its pixels, and what of that is read.

TIFF 6.0, sections 2 to 8, 15, 16, 21 and 22, and its Technical Note 2 for JPEG.
"""

from dataclasses import dataclass

from service.errors import MalformedBody, UnsupportedMediaType
from service.images.tiff_directory import (
    BITS,
    COMPRESSION,
    HEIGHT,
    PHOTOMETRIC,
    WIDTH,
    Entries,
    Tiff,
)

SAMPLES, PLANAR, COLOUR_MAP, EXTRA, FORMAT = 277, 284, 320, 338, 339
STRIPS, ROWS, STRIP_BYTES = 273, 278, 279
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES = 322, 323, 324, 325
PREDICTOR = 317
INVERTED, GRAY, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
COLOURS = {INVERTED: 1, GRAY: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
"""Samples of a pixel by photometric interpretation, before extra ones."""
COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946, 50000}
"""None, CCITT RLE and fax 3 and 4, LZW, JPEG, deflate (both numbers), PackBits, Zstandard."""
JPEG = 7
PREMULTIPLIED, SEPARATE = 1, 2
"""A value of ExtraSamples, and one of PlanarConfiguration."""
MODES = {
    (1, 1, 0): ("1", "1"),
    (1, 2, 0): ("L", "L;2"),
    (1, 4, 0): ("L", "L;4"),
    (1, 8, 0): ("L", "L"),
    (1, 16, 0): ("I;16", "I;16N"),
    (1, 8, 1): ("LA", "LA"),
    (1, 16, 1): ("RGBA", "RGBA"),
    (3, 8, 0): ("RGB", "RGB"),
    (3, 8, 1): ("RGBA", "RGBA"),
    (3, 16, 0): ("RGB", "RGB;16B", "RGB;16L"),
    (3, 16, 1): ("RGBA", "RGBA;16B", "RGBA;16L"),
    (4, 8, 0): ("CMYK", "CMYK"),
    (4, 16, 0): ("CMYK", "CMYK;16N"),
}
"""By colours, bits and extra samples: Pillow's mode, then the raw modes to decode with.

16B keeps the first byte of each sample in memory, 16L the second. Gray and alpha of 16 bits are
decoded as four samples of 8 bits.
"""
LARGEST_TILE = 1 << 22
"""Pixels of a tile, or as many as the image has: what libtiff takes memory for."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the first page of a file stores its pixels.

    Attributes:
        size: (width, height).
        photometric: PhotometricInterpretation.
        bits: Of a sample.
        extra: What the first extra sample is, None without any.
        is_separate: Whether each sample has a plane of its own.
        compression: Compression.
    """

    size: tuple[int, int]
    photometric: int
    bits: int
    extra: int | None
    is_separate: bool
    compression: int

    @property
    def key(self) -> tuple[int, int, int]:
        """The key of MODES."""
        return COLOURS[self.photometric], self.bits, int(self.extra is not None)

    @property
    def bands(self) -> int:
        """Samples of a pixel."""
        return COLOURS[self.photometric] + (self.extra is not None)


def layout_of(file: Tiff, entries: Entries) -> Layout:
    """Return how the pixels are stored. Raises UnsupportedMediaType, MalformedBody."""

    def value(tag: int, default: int) -> int:
        return file.number(entries.get(tag), default)

    width, height = value(WIDTH, 0), value(HEIGHT, 0)
    if not (0 < width < 1 << 31 and 0 < height < 1 << 31):
        raise MalformedBody(f"picture: expected a pixel at least, received {width}x{height}")
    compression, photometric = value(COMPRESSION, 1), value(PHOTOMETRIC, 0)
    bits, formats = {*file.numbers(entries.get(BITS))} or {1}, {*file.numbers(entries.get(FORMAT))}
    count, extras = value(SAMPLES, 1), file.numbers(entries.get(EXTRA))
    planar = value(PLANAR, 1)
    if compression not in COMPRESSIONS:
        raise unread(f"compression {compression}")
    if photometric not in COLOURS:
        raise unread(f"photometric interpretation {photometric} (CIE L*a*b* or another)")
    if formats - {1, 4}:
        raise unread("samples that are no unsigned whole numbers")
    if len(bits) > 1:
        raise unread(f"samples of {', '.join(map(str, sorted(bits)))} bits")
    further = count - COLOURS[photometric]
    extra = None if further <= 0 else (*extras, 2 if photometric == RGB else 0)[0]
    layout = Layout(
        (width, height), photometric, bits.pop(), extra, planar == SEPARATE, compression
    )
    is_plain = photometric in (GRAY, INVERTED, RGB)
    if further < 0 or further > is_plain or layout.key not in MODES:
        raise unread(f"{count} samples of {layout.bits} bits")
    if photometric == PALETTE and layout.bits == 16:
        raise unread("a palette of 16 bits")
    if photometric == YCBCR and layout.bits != 8:
        raise unread("YCbCr of other than 8 bits")
    if TILE_WIDTH in entries:
        tile = value(TILE_WIDTH, 0) * value(TILE_HEIGHT, 0)
        if not 0 < tile <= max(LARGEST_TILE, 4 * width * height):
            raise MalformedBody(
                f"picture: expected tiles of 1 to {LARGEST_TILE} pixels, received {tile}"
            )
    return layout


def unread(what: str) -> UnsupportedMediaType:
    """Return the error of a layout that is not read."""
    return UnsupportedMediaType(
        "picture: expected a TIFF of gray, RGB, CMYK or a palette, of 1 to 16 bits a sample, "
        f"received {what}, which is not read here"
    )
