"""JPEG 2000 files: those of up to 8 bits by Pillow, deeper ones by OpenJPEG itself, in 16 bits.

Pillow rounds deeper colours to 8 bits so that white becomes black, and leaves low bits of others
empty. ISO/IEC 15444-1 (ITU-T T.800), annex I (JP2 file format).
"""

import io

import numpy as np
from PIL import Image

from service.errors import MalformedBody, UnsupportedMediaType
from service.images.formats import JP2, READ_ALL, Policy
from service.images.isobmff import boxes, first
from service.images.jp2_codestream import Component, Header, damaged, header_of
from service.images.jp2_process import decoded
from service.images.photograph import EncodedImage, Metadata, Samples
from service.images.pillow import as_stored, fill, room, split

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
EXIF = b"JpgTiffExif->JP2"
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
ENUMERATED, RESTRICTED_ICC, ANY_ICC = 1, 2, 3
"""Methods of a colour specification box."""
BLACK_IS_ONE, CMYK, BLACK_IS_ZERO, SRGB, GRAY, SYCC = 0, 12, 15, 16, 17, 18
"""Enumerated colour spaces (table I.10; others than 16 to 18 are of ISO/IEC 15444-2)."""
COLOUR, PREMULTIPLIED = 0, 2
"""Types of channels (table I.16)."""


def open_jp2(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return a JPEG 2000 file as decode.open_image() does.

    Raises:
        UnsupportedMediaType: It is no gray, RGB or CMYK picture, or of a kind that no library here
            reads without damage.
        MalformedBody: It is not valid, or in more than MAX_TILES tiles.
    """
    view = memoryview(body)
    stream, described = _parts(view)
    header = header_of(stream)
    count = len(header.components)
    is_deep = max(each.bits for each in header.components) > 8 if count else False
    _check(header, described, is_deep=is_deep)

    def samples(orientation: int) -> tuple[Samples, Samples | None]:
        if is_deep:
            return split(_deep(stream, header, orientation))
        return split(_shallow(body, header, orientation))

    metadata = _metadata(view)
    return EncodedImage(
        JP2,
        header.size,
        "I;16" if is_deep and count == 1 else MODES[count],
        1,
        samples,
        lambda: metadata.exif,
        lambda: metadata,
        is_lossless=header.is_reversible,
    )


def _parts(view: memoryview) -> tuple[memoryview, memoryview]:
    """Return the codestream of a file, and the boxes that describe it, which may be none."""
    if bytes(view[:2]) == b"\xff\x4f":
        return view, view[:0]
    stream = first(view, b"jp2c")
    if stream is None:
        raise damaged()
    return stream, first(view, b"jp2h") or view[:0]


def _check(header: Header, described: memoryview, *, is_deep: bool) -> None:
    """Raise UnsupportedMediaType where a picture would come out with other colours."""
    components = header.components
    space, profile = _colours(described)
    palette, channels = first(described, b"pclr"), first(described, b"cdef")
    if len(components) not in MODES:
        _refuse("1 to 4 components", str(len(components)))
    if palette is not None:
        _refuse("gray or colours", "a palette")
    if components[0].bits == 1 and space == BLACK_IS_ONE:
        _refuse("black as 0", "black as 1")
    # OpenJPEG writes the first one where its caller names none.
    if space not in (None, BLACK_IS_ONE, CMYK, BLACK_IS_ZERO, SRGB, GRAY, SYCC):
        _refuse("gray, sRGB, sYCC or CMYK", f"colour space {space}")
    if profile and (kind := bytes(profile[16:20])) not in (b"GRAY", b"RGB "):
        _refuse("a profile of gray or RGB", f"one of {kind!r}")
    if channels is not None and not _are_in_order(channels):
        _refuse("channels in their order and opacity apart", "others")
    if any((each.across, each.down) != (1, 1) for each in components):
        _refuse("components of one size", "some that are subsampled")
    if not is_deep:
        return
    most = max(each.bits for each in components)
    if most > 16 or components[0].bits <= 8:
        bits = ", ".join(str(each.bits) for each in components)
        _refuse("at most 16 bits, in the first component more than 8 if in any", bits)
    if space in (CMYK, SYCC):
        _refuse(f"RGB or gray where a sample has {most} bits", "CMYK" if space == CMYK else "sYCC")
    if header.origin != (0, 0):
        _refuse(f"a picture that begins at 0,0 where a sample has {most} bits", f"{header.origin}")


def _refuse(expected: str, received: str) -> None:
    raise UnsupportedMediaType(f"picture: expected JPEG 2000 of {expected}, received {received}")


def _are_in_order(channels: memoryview) -> bool:
    """Return whether a channel definition box (I.5.3.6) says what holds without it."""
    entries = np.frombuffer(channels[2 : len(channels) // 6 * 6 + 2], ">u2").reshape(-1, 3)
    return all(
        place == number + 1 if kind == COLOUR else kind != PREMULTIPLIED
        for number, kind, place in entries.tolist()
    )


def _shallow(body: bytes | memoryview, header: Header, orientation: int) -> Samples:
    """Return samples of up to 8 bits, by Pillow, which shifts those of fewer bits up."""
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    image = Jpeg2KImageFile(io.BytesIO(body))  # decodes nothing
    mode, size, bands = image.mode, header.size, len(header.components)
    if image.size != size:  # of which the memory was bounded
        raise MalformedBody("picture: expected the size of its header, received another")
    is_cmyk = mode == "CMYK"
    if mode != MODES[bands] and not is_cmyk:  # boxes that tell of another depth, or of a palette
        raise damaged()
    tables: list[int] = []
    if any(each.bits < 8 for each in header.components):
        if is_cmyk:
            _refuse("8 bits in CMYK", "fewer")
        tables = [value for each in header.components for value in _table(each)]
    samples: Samples = room(size, orientation, 3 if is_cmyk else bands, np.uint8)
    into = as_stored(samples, orientation)
    arguments = (mode, image.codec, *map(str, size))
    for rows, columns, part in decoded("pillow", body, size, bands, *arguments):
        place = into[rows, columns]
        strip = Image.frombytes(mode, (place.shape[1], place.shape[0]), part)
        strip = strip.point(tables) if tables else strip
        fill(strip.convert("RGB") if is_cmyk else strip, place)
    return samples


def _table(component: Component) -> list[int]:
    """Return the values of 8 bits for those that Pillow shifts up from fewer bits."""
    most = (1 << component.bits) - 1
    return [round((value >> 8 - component.bits) * 255 / most) for value in range(256)]


def _deep(stream: memoryview, header: Header, orientation: int) -> Samples:
    """Return samples over the full range of 16 bits, by OpenJPEG.

    It gets the bare codestream: the boxes of a file could make it write more than it has room for.
    """
    count = len(header.components)
    samples: Samples = room(header.size, orientation, count, np.uint16)
    into = as_stored(samples, orientation)
    for rows, columns, part in decoded("openjpeg", stream, header.size, 2 * count):
        place = into[rows, columns]
        stored = np.frombuffer(part, "<u2").reshape(place.shape)
        for band, component in enumerate(header.components):
            place[..., band] = _over_full_range(stored[..., band], component)
    return samples


def _over_full_range(values: Samples, component: Component) -> Samples:
    """Return samples of fewer bits as 16, rounded, so that the highest one is 65535."""
    most = (1 << component.bits) - 1
    wide = values.astype(np.uint32)
    if component.is_signed:
        wide += 1 << component.bits - 1
        wide &= most
    return ((wide * 65535 + most // 2) // most).astype(np.uint16)


def _colours(described: memoryview) -> tuple[int | None, memoryview | None]:
    """Return the enumerated colour space of a header, and its ICC profile; None without one."""
    colour = first(described, b"colr")
    if colour is None or len(colour) < 7:
        return None, None
    if colour[0] == ENUMERATED:
        return int.from_bytes(colour[3:7], "big"), None
    return None, colour[3:] if colour[0] in (RESTRICTED_ICC, ANY_ICC) else None


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
            profile = _colours(data)[1]
            icc = None if profile is None else bytes(profile)
    return Metadata(icc=icc, exif=exif, xmp=xmp)
