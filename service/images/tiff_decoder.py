"""TIFF files of one page: gray, RGB, CMYK, palettes, of 1 to 16 bits, striped and tiled.

TIFF 6.0, and its Technical Note 2 for JPEG. libtiff, as Pillow brings it, decompresses; directory
and sizes are checked before it sees the file.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL import _imaging as core

from service.errors import MalformedBody, UnsupportedMediaType
from service.images.formats import READ_ALL, Policy
from service.images.icc import in_srgb
from service.images.photograph import TIFF, EncodedImage, Samples
from service.images.pillow import as_stored, blocks, fill, room, samples_of, split
from service.images.tiff_directory import (
    BITS,
    COMPRESSION,
    HEIGHT,
    PHOTOMETRIC,
    WIDTH,
    Entries,
    Tiff,
)
from service.images.tiff_metadata import ICC, ORIENTATION, exif_of, metadata_of

SAMPLES, PLANAR, COLOUR_MAP, EXTRA, FORMAT = 277, 284, 320, 338, 339
STRIPS, ROWS, STRIP_BYTES, TILE_WIDTH, TILE_HEIGHT, TILES = 273, 278, 279, 322, 323, 324
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


def open_tiff(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return a TIFF file as decode.open_image() does.

    Raises:
        UnsupportedMediaType: It has several pages, or a layout that is not read.
        MalformedBody: Its first directory is damaged.
    """
    file = Tiff(body)
    entries, following = file.directory(file.start)
    if (pages := file.pages(following)) > 1:
        raise UnsupportedMediaType(
            f"picture: expected a TIFF of one page, received {pages} pages; "
            "each of them goes into a file of its own"
        )
    layout = _layout(file, entries)
    mode = "P" if layout.photometric == PALETTE else MODES[layout.key][0]
    if layout.photometric == YCBCR:
        mode = "RGB"
    stored = file.number(entries.get(ORIENTATION), 1)

    def samples(orientation: int) -> tuple[Samples, Samples | None]:
        return _samples(file, entries, layout, orientation)

    return EncodedImage(
        TIFF,
        layout.size,
        {"I;16": "I;16", "1": "1"}.get(mode, mode),
        1,
        samples,
        lambda: exif_of(file, entries, stored),
        lambda: metadata_of(file, entries, stored, keeps_icc=layout.photometric != CMYK),
    )


def _layout(file: Tiff, entries: Entries) -> Layout:
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
        raise _unread(f"compression {compression}")
    if photometric not in COLOURS:
        raise _unread(f"photometric interpretation {photometric} (CIE L*a*b* or another)")
    if formats - {1, 4}:
        raise _unread("samples that are no unsigned whole numbers")
    if len(bits) > 1:
        raise _unread(f"samples of {', '.join(map(str, sorted(bits)))} bits")
    further = count - COLOURS[photometric]
    extra = None if further <= 0 else (*extras, 2 if photometric == RGB else 0)[0]
    layout = Layout(
        (width, height), photometric, bits.pop(), extra, planar == SEPARATE, compression
    )
    is_plain = photometric in (GRAY, INVERTED, RGB)
    if further < 0 or further > is_plain or layout.key not in MODES:
        raise _unread(f"{count} samples of {layout.bits} bits")
    if photometric == PALETTE and layout.bits == 16:
        raise _unread("a palette of 16 bits")
    if photometric == YCBCR and layout.bits != 8:
        raise _unread("YCbCr of other than 8 bits")
    if TILE_WIDTH in entries:
        tile = value(TILE_WIDTH, 0) * value(TILE_HEIGHT, 0)
        if not 0 < tile <= max(LARGEST_TILE, 4 * width * height):
            raise MalformedBody(
                f"picture: expected tiles of 1 to {LARGEST_TILE} pixels, received {tile}"
            )
    return layout


def _unread(what: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        "picture: expected a TIFF of gray, RGB, CMYK or a palette, of 1 to 16 bits a sample, "
        f"received {what}, which is not read here"
    )


def _samples(
    file: Tiff, entries: Entries, layout: Layout, orientation: int
) -> tuple[Samples, Samples | None]:
    """Return pixels and alpha, upright. Raises MalformedBody."""
    is_deep = layout.bits == 16 and COLOURS[layout.photometric] < 4
    if layout.is_separate and (is_deep or MODES[layout.key][0] == "LA"):
        values = _of_planes(file, entries, layout, orientation)
    elif is_deep:
        values = _deep(file, layout, orientation)
    else:
        mode, *raw = MODES[layout.key]
        if layout.photometric == PALETTE:
            mode, raw = "P", [{8: "P"}.get(layout.bits, f"P;{layout.bits}")]
        elif layout.photometric == YCBCR:
            is_rgb = layout.compression == JPEG and not layout.is_separate
            mode, raw = "RGB", ["RGB" if is_rgb else "RGBX"]
        image = _decode(file.body, file.start, layout.size, mode, raw[0])
        values = samples_of(_in_colour(image, file, entries, layout), orientation)
    pixels, alpha = split(values)
    if layout.photometric == INVERTED:
        np.bitwise_xor(pixels, np.iinfo(pixels.dtype).max, out=pixels)
    if layout.extra == PREMULTIPLIED and alpha is not None:
        divide(pixels, alpha)
    elif layout.extra not in (PREMULTIPLIED, 2):
        alpha = None
    return pixels, alpha


def _in_colour(image: Image.Image, file: Tiff, entries: Entries, layout: Layout) -> Image.Image:
    """Return an image in a mode that photographs have."""
    if layout.photometric == PALETTE:
        colours = file.numbers(entries.get(COLOUR_MAP))
        if len(colours) != 3 << layout.bits:
            raise MalformedBody(
                f"picture: expected {3 << layout.bits} values of a palette, received {len(colours)}"
            )
        # Some writers store 8 bits where 16 are asked for.
        values = np.reshape(colours, (3, -1)).T
        eight = values if values.max() < 256 else values >> 8
        image.putpalette(eight.astype(np.uint8).tobytes(), "RGB")
        return image.convert("RGB")
    if layout.photometric == CMYK:
        icc = entries.get(ICC)
        profile = None if icc is None else bytes(file.data(icc))
        return (profile and in_srgb(image, profile)) or image.convert("RGB")
    return image.convert("L") if image.mode == "1" else image


def _of_planes(file: Tiff, entries: Entries, layout: Layout, orientation: int) -> Samples:
    """Return samples (height, width, bands), upright, of planes that libtiff gives one by one.

    Of all at once it gives Pillow the high bytes, and of alpha beside gray nothing.
    """
    bands = COLOURS[layout.photometric] + (layout.extra is not None)
    kind = np.uint16 if layout.bits == 16 else np.uint8
    values: Samples = room(layout.size, orientation, bands, kind)
    mode, raw = ("I;16", "I;16N") if layout.bits == 16 else ("L", "L")
    for band in range(bands):
        plane, start = _plane(file, entries, layout, band, bands)
        image = _decode(plane, start, layout.size, mode, raw)
        fill(image, as_stored(values[..., band : band + 1], orientation))
    return values


def _deep(file: Tiff, layout: Layout, orientation: int) -> Samples:
    """Return samples (height, width, bands) of 16 bits, upright."""
    mode, *raws = MODES[layout.key]
    bands = COLOURS[layout.photometric] + (layout.extra is not None)
    if bands == 1:
        return samples_of(_decode(file.body, file.start, layout.size, mode, raws[0]), orientation)
    values: Samples = room(layout.size, orientation, bands, np.uint16)
    if len(raws) == 1:
        image = _decode(file.body, file.start, layout.size, mode, raws[0])
        fill(image, as_stored(values.view(np.uint8), orientation))
    else:
        halves = values[..., None].view(np.uint8)
        for half, raw in enumerate(raws):
            # No name for the image: the first one is freed before the second is made.
            fill(
                _decode(file.body, file.start, layout.size, mode, raw),
                as_stored(halves[..., half], orientation),
            )
    return values


def _plane(
    file: Tiff, entries: Entries, layout: Layout, band: int, bands: int
) -> tuple[bytes, int]:
    """Return a file with a gray page of one of its planes, and where its directory begins."""
    is_tiled = TILES in entries
    offsets = file.numbers(entries.get(TILES if is_tiled else STRIPS))
    sizes = file.numbers(entries.get(325 if is_tiled else STRIP_BYTES))
    each = len(offsets) // bands
    part = slice(band * each, (band + 1) * each)
    tags: dict[int, tuple[int, ...]] = {
        WIDTH: layout.size[:1],
        HEIGHT: layout.size[1:],
        BITS: (layout.bits,),
        COMPRESSION: (layout.compression,),
        PHOTOMETRIC: (GRAY,),
        TILES if is_tiled else STRIPS: offsets[part],
        325 if is_tiled else STRIP_BYTES: sizes[part],
    }
    tags |= {
        tag: file.numbers(entries[tag])
        for tag in (ROWS, TILE_WIDTH, TILE_HEIGHT, 317)
        if tag in entries
    }
    if file.is_big or not each or len(sizes) < part.stop:
        raise _unread("such planes in a BigTIFF, or damaged ones")
    order, start = file.order, len(file.body) + len(file.body) % 2
    at = start + 6 + 12 * len(tags)
    table, behind = struct.pack(f"{order}H", len(tags)), b""
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            place, behind = at + len(behind), behind + packed
            packed = struct.pack(f"{order}I", place)
        table += struct.pack(f"{order}HHI", tag, 4, len(values)) + packed
    body = file.body
    return b"".join([body, bytes(len(body) % 2), table, bytes(4), behind]), start


def _decode(
    body: bytes | memoryview, start: int, size: tuple[int, int], mode: str, raw: str
) -> Image.Image:
    """Return the image of a directory as it is stored. Raises MalformedBody."""
    image = Image.new(mode, size)
    decoder = core.libtiff_decoder(mode, raw, 0, start)
    try:
        decoder.setimage(image.im, (0, 0, *size))
        _, error = decoder.decode(body)
    finally:
        decoder.cleanup()
    if error < 0:
        raise MalformedBody("picture: expected a whole picture, received a damaged one")
    return image


def divide(pixels: Samples, alpha: Samples) -> None:
    """Divide colours by opacity, in place, some rows at a time."""
    largest = int(np.iinfo(pixels.dtype).max)
    colours: NDArray[np.uint16] | NDArray[np.uint8]
    colours = pixels[..., None] if pixels.ndim == 2 else pixels
    height, width, bands = colours.shape
    for part in blocks(height, width, 8 * bands, 1 << 20):
        opacity = alpha[part][..., None].astype(np.uint32)
        scaled = colours[part].astype(np.uint64) * largest + opacity // 2
        np.minimum(scaled // np.maximum(opacity, 1), largest, out=scaled)
        colours[part] = scaled
