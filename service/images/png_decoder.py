"""PNG files of every colour type, depth and interlacing.

PNG (third edition), https://www.w3.org/TR/png-3/, sections 7 to 10.
"""

import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from service.images import png_16bit, png_chunks
from service.images.formats import PNG, READ_ALL, Policy
from service.images.photograph import EncodedImage, Samples
from service.images.pillow import BLOCK, PixelDecoder, Truncated, blocks_of, samples_of, split
from service.images.png_chunks import (
    CHANNELS,
    PALETTE,
    TRANSPARENT_COLOUR,
    Chunks,
    Header,
)
from service.images.png_metadata import PngMetadata

MODES = {
    (1, 0): ("1", "1"),
    (2, 0): ("L", "L;2"),
    (4, 0): ("L", "L;4"),
    (8, 0): ("L", "L"),
    (16, 0): ("I;16", "I;16B"),
    (8, 2): ("RGB", "RGB"),
    (16, 2): ("RGB", "RGB;16B"),
    (1, 3): ("P", "P;1"),
    (2, 3): ("P", "P;2"),
    (4, 3): ("P", "P;4"),
    (8, 3): ("P", "P"),
    (8, 4): ("LA", "LA"),
    (16, 4): ("RGBA", "RGBA"),
    (8, 6): ("RGBA", "RGBA"),
    (16, 6): ("RGBA", "RGBA;16B"),
}
"""By depth and colour type: Pillow's mode, and its name for how the file lays samples out."""
MARK = 0x5A
"""The value of a pixel that is not decoded yet, for what is decoded last."""
PASSES = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)
"""Adam7 (PNG 8.1): the first row and column of each pass, and its steps down and across."""


def open_png(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return a PNG file as decode.open_image() does. Raises MalformedBody."""
    chunks = png_chunks.scan(body)
    header, metadata = chunks.header, PngMetadata(chunks.ancillary)
    return EncodedImage(
        PNG,
        (header.width, header.height),
        MODES[header.depth, header.colour_type][0],
        chunks.frames,
        lambda orientation: _samples(chunks, orientation),
        metadata.exif,
        metadata.metadata,
    )


def _samples(chunks: Chunks, orientation: int) -> tuple[Samples, Samples | None]:
    """Return the pixels of a PNG, upright, and its alpha channel or None.

    Gray of 1, 2 and 4 bits becomes 8 bits, a palette becomes RGB, a transparent colour (tRNS)
    becomes an alpha channel.

    Args:
        chunks: The file.
        orientation: The EXIF orientation, 1 to 8.

    Raises:
        MalformedBody: The pixels are damaged or end early.
    """
    header = chunks.header
    if header.depth == 16 and header.colour_type in png_16bit.LAYOUTS:
        values = png_16bit.samples(chunks, orientation, decode)
    else:
        image = decode(chunks, *MODES[header.depth, header.colour_type])
        if header.colour_type == PALETTE:
            image = _in_colour(image, chunks)
        values = samples_of(image.convert("L") if image.mode == "1" else image, orientation)
    pixels, alpha = split(values)
    layout = TRANSPARENT_COLOUR.get(header.colour_type)
    if layout and chunks.transparency is not None:
        alpha = _keyed(values, header, chunks.transparency)
    return pixels, alpha


def decode(chunks: Chunks, mode: str, layout: str) -> Image.Image:
    """Return the image as it is stored.

    Args:
        chunks: The file.
        mode: Pillow's mode of the image.
        layout: Pillow's raw mode of the file, of as many bits a pixel as the file has.

    Raises:
        MalformedBody: The pixels are damaged or end early.
    """
    header = chunks.header
    image = Image.new(mode, (header.width, header.height))
    # The decoder also takes the end of the stream for the end of the picture, and leaves the rest
    # as it was. To inflate once more would cost half of the decoding, so it is done only where what
    # a file stores last looks like the mark that is left there.
    last, bands = _last_pixel(header), len(image.getbands())
    image.putpixel(last, MARK if bands == 1 else (MARK,) * bands)
    mark = image.getpixel(last)
    decoder = PixelDecoder("zip", image, layout, header.is_interlaced)
    try:
        if not any(decoder.feed(block) for block in blocks_of(chunks.data)):
            raise Truncated
    finally:
        decoder.close()
    if image.getpixel(last) == mark and not _is_complete(chunks):
        raise Truncated
    return image


def _last_pixel(header: Header) -> tuple[int, int]:
    """Return the column and the row of the pixel that a file stores last."""
    top, left, down, across = _passes(header)[-1]
    row = top + (header.height - 1 - top) // down * down
    column = left + (header.width - 1 - left) // across * across
    return column, row


def _is_complete(chunks: Chunks) -> bool:
    """Return whether the zlib stream holds every row."""
    missing = sum(_pass_bytes(chunks.header))
    inflate = zlib.decompressobj()
    for block in blocks_of(chunks.data):
        rest = block
        while rest and not inflate.eof:
            missing -= len(inflate.decompress(rest, BLOCK))
            if missing <= 0:
                return True
            rest = inflate.unconsumed_tail
    return missing <= len(inflate.flush())


def _passes(header: Header) -> list[tuple[int, int, int, int]]:
    """Return the passes that hold pixels; without interlacing, one of all pixels."""
    if not header.is_interlaced:
        return [(0, 0, 1, 1)]
    return [step for step in PASSES if step[0] < header.height and step[1] < header.width]


def _pass_bytes(header: Header) -> Iterator[int]:
    """Yield the bytes of each pass: a filter type and the samples in each row (PNG 7.2)."""
    bits = CHANNELS[header.colour_type] * header.depth
    for top, left, down, across in _passes(header):
        rows = -((top - header.height) // down)
        columns = -((left - header.width) // across)
        yield rows * (1 + (columns * bits + 7) // 8)


def _in_colour(image: Image.Image, chunks: Chunks) -> Image.Image:
    """Return a palette image as RGB, with alpha where its entries have some."""
    assert chunks.palette is not None
    image.putpalette(chunks.palette, "RGB")
    if not chunks.transparency:
        return image.convert("RGB")
    image.info["transparency"] = chunks.transparency[:256]
    return image.convert("RGBA")


def _keyed(values: Samples, header: Header, transparency: bytes) -> Samples:
    """Return an alpha channel that is 0 where pixels have the colour of tRNS (PNG 11.3.1.1)."""
    largest = (1 << header.depth) - 1
    widened = 255 // largest if header.depth < 8 else 1
    key = np.frombuffer(transparency, ">u2") & largest
    is_hidden = values[..., 0] == key[0] * widened
    for band, value in enumerate(key[1:], 1):
        is_hidden &= values[..., band] == value
    alpha = np.full(is_hidden.shape, np.iinfo(values.dtype).max, values.dtype)
    alpha[is_hidden] = 0
    return alpha
