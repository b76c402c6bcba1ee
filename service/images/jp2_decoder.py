"""JPEG 2000 files, in 8 bits unless they are gray: Pillow's modes hold no more.

ISO/IEC 15444-1 (ITU-T T.800), annexes A (codestream) and I (JP2 file format).
"""

import io
import struct
from dataclasses import dataclass

from PIL import Image

from service.errors import MalformedBody, UnsupportedMediaType
from service.images.formats import JP2, READ_ALL, Policy
from service.images.isobmff import boxes, first
from service.images.photograph import EncodedImage, Metadata, Samples
from service.images.pillow import samples_of, split

SOC, SIZ, COD, SOT = 0xFF4F, 0xFF51, 0xFF52, 0xFF90
MAX_SEGMENTS = 1 << 10
"""Marker segments of a main header."""
MAX_TILES = 1 << 12
"""Tiles of a picture, for each of which the decoder takes 6 KB."""
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
REVERSIBLE = 1
"""The transformation of COD that loses nothing (table A.20)."""
EXIF = b"JpgTiffExif->JP2"
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
RESTRICTED_ICC, ANY_ICC = 2, 3
"""Methods of a colour specification box."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the main header of a codestream says: (width, height), components, bits, losses."""

    size: tuple[int, int]
    components: int
    bits: int
    is_reversible: bool


def open_jp2(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return a JPEG 2000 file as decode.open_image() does.

    Raises:
        UnsupportedMediaType: Its components are no gray, RGB or CMYK picture.
        MalformedBody: It is not valid, or in more than MAX_TILES tiles.
    """
    view = memoryview(body)
    contained: memoryview | None = view
    if bytes(view[:2]) != b"\xff\x4f":
        contained = first(view, b"jp2c")
    if contained is None:
        raise _damaged()
    header = _header(contained)
    if header.components not in MODES:
        raise UnsupportedMediaType(
            f"picture: expected JPEG 2000 of 1 to 4 components, received {header.components}"
        )
    is_deep = header.components == 1 and header.bits > 8

    def samples(orientation: int) -> tuple[Samples, Samples | None]:
        from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

        image: Image.Image = Jpeg2KImageFile(io.BytesIO(body))
        if image.size != header.size:  # of which the memory was bounded
            raise MalformedBody("picture: expected the size of its header, received another")
        image.load()
        if image.mode in ("P", "PA", "CMYK"):
            image = image.convert("RGBA" if image.mode == "PA" else "RGB")
        return split(samples_of(image, orientation))

    metadata = _metadata(view)
    return EncodedImage(
        JP2,
        header.size,
        "I;16" if is_deep else MODES[header.components],
        1,
        samples,
        lambda: metadata.exif,
        lambda: metadata,
        is_lossless=header.is_reversible,
    )


def _header(stream: memoryview) -> Header:
    """Return the main header of a codestream (T.800, A.5.1 and A.6.1)."""
    found: dict[int, memoryview] = {}
    at = 2
    for _ in range(MAX_SEGMENTS):
        if at + 4 > len(stream):
            raise _damaged()
        marker, length = struct.unpack_from(">HH", stream, at)
        if marker == SOT:
            break
        if length < 2:
            raise _damaged()
        found.setdefault(marker, stream[at + 4 : at + 2 + length])
        at += 2 + length
    else:
        raise MalformedBody(f"picture: expected at most {MAX_SEGMENTS} segments, received more")
    if len(found.get(SIZ, b"")) < 37 or len(found.get(COD, b"")) < 10:
        raise _damaged()
    _, right, below, left, above, *tile, count, bits = struct.unpack_from(
        ">HIIIIIIIIHB", found[SIZ]
    )
    tile_width, tile_height, tile_left, tile_above = tile
    if not (left < right and above < below and tile_width and tile_height):
        raise _damaged()
    tiles = -(-(right - tile_left) // tile_width) * -(-(below - tile_above) // tile_height)
    if not 0 < tiles <= MAX_TILES:
        raise MalformedBody(f"picture: expected at most {MAX_TILES} tiles, received {tiles}")
    is_reversible = found[COD][9] == REVERSIBLE
    return Header((right - left, below - above), count, (bits & 0x7F) + 1, is_reversible)


def _metadata(view: memoryview) -> Metadata:
    """Return the metadata of the boxes of a file; a bare codestream has none."""
    if bytes(view[:2]) == b"\xff\x4f":
        return Metadata()
    icc = exif = xmp = header = None
    for name, data in boxes(view):
        if name == b"uuid" and bytes(data[:16]) == EXIF:
            exif = bytes(data[16:])
        elif name == b"uuid" and bytes(data[:16]) == XMP:
            xmp = bytes(data[16:])
        elif name == b"jp2h" and header is None:  # each has boxes of its own
            header = data
            colour = first(data, b"colr")
            if colour is not None and len(colour) > 3 and colour[0] in (RESTRICTED_ICC, ANY_ICC):
                icc = bytes(colour[3:])
    return Metadata(icc=icc, exif=exif, xmp=xmp)


def _damaged() -> MalformedBody:
    return MalformedBody("picture: expected a whole picture, received its start or a damaged one")
