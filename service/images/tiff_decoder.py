"""TIFF files of one page: gray, RGB, CMYK, palettes, of 1 to 16 bits, striped and tiled.

TIFF 6.0, and its Technical Note 2 for JPEG. libtiff, as Pillow brings it, decompresses; directory
and sizes are checked before it sees the file.
"""

import numpy as np
from PIL import Image
from PIL import _imaging as core

from service.errors import MalformedBody, UnsupportedMediaType
from service.images.formats import READ_ALL, TIFF, Policy
from service.images.icc import in_srgb
from service.images.photograph import EncodedImage, Samples
from service.images.pillow import as_stored, fill, room, samples_of, split
from service.images.premultiplied import divide
from service.images.tiff_directory import Entries, Tiff
from service.images.tiff_layout import (
    CMYK,
    COLOUR_MAP,
    COLOURS,
    INVERTED,
    JPEG,
    MODES,
    PALETTE,
    PREMULTIPLIED,
    YCBCR,
    Layout,
    layout_of,
)
from service.images.tiff_metadata import ICC, ORIENTATION, exif_of, metadata_of
from service.images.tiff_planes import planes


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
    layout = layout_of(file, entries)
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
        # Some writers store 8 bits where 16 are asked for, others 8 and a byte of zeros.
        values = np.reshape(colours, (3, -1)).T.astype(np.uint32)
        if (values & 255).any() and values.max() > 255:
            values = (values + 128) // 257
        eight = values if values.max() < 256 else values >> 8
        image.putpalette(eight.astype(np.uint8).tobytes(), "RGB")
        return image.convert("RGB")
    if layout.photometric == CMYK:
        icc = entries.get(ICC)
        profile = None if icc is None else bytes(file.data(icc))
        return (profile and in_srgb(image, profile)) or image.convert("RGB")
    return image.convert("L") if image.mode == "1" else image


def _of_planes(file: Tiff, entries: Entries, layout: Layout, orientation: int) -> Samples:
    """Return samples (height, width, bands), upright, of planes that are decoded one by one."""
    kind = np.uint16 if layout.bits == 16 else np.uint8
    values: Samples = room(layout.size, orientation, layout.bands, kind)
    mode, raw = ("I;16", "I;16N") if layout.bits == 16 else ("L", "L")
    for band, (plane, start) in enumerate(planes(file, entries, layout)):
        image = _decode(plane, start, layout.size, mode, raw)
        fill(image, as_stored(values[..., band : band + 1], orientation))
    return values


def _deep(file: Tiff, layout: Layout, orientation: int) -> Samples:
    """Return samples (height, width, bands) of 16 bits, upright."""
    mode, *raws = MODES[layout.key]
    bands = layout.bands
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
