"""What a PNG says besides its pixels, whatever its metadata are: broken, or beyond all measure."""

import struct
import zlib
from typing import Any

from service.images.png_chunks import chunk, chunks

MOST = 1 << 24
"""Bytes of an ICC profile or a text, inflated; one that is larger is left out."""
KEYWORD = 80
"""Bytes that the keyword of a text ends within."""
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
COLOURS = {b"cHRM": 32, b"gAMA": 4, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8}
"""Chunks that say how the colours are meant, and their bytes."""
XMP, PROFILE = b"XML:com.adobe.xmp", b"Raw profile type "
"""Keywords of texts that hold what has a place of its own."""
EXIF_PROFILES = (PROFILE + b"exif", PROFILE + b"APP1")
"""Those under which ImageMagick and others wrote EXIF data before there was a chunk for it."""
OF_TEXTS, OF_CHUNKS = (XMP, *EXIF_PROFILES), (b"iCCP", b"eXIf", b"pHYs")
"""What is looked for, by the keywords of texts and by the names of chunks."""
INCH = 0.0254


def info(body: bytes | memoryview) -> dict[str, Any]:
    """Return icc_profile, exif, xmp and dpi as Pillow tells them of other formats, None for none.

    Of chunks that tell the same, the first is read: the others are not worth what they may cost.
    """
    first: dict[bytes, tuple[bytes, bytes]] = {}
    for name, data in chunks(body):
        kind, told = (_keyword(data), OF_TEXTS) if name in TEXTS else (name, OF_CHUNKS)
        if kind in told and kind not in first and len(data) <= MOST:
            first[kind] = (name, bytes(data))
    found = {kind: data for kind, (_, data) in first.items()}
    texts = {kind: _text(*first[kind]) for kind in (XMP, *EXIF_PROFILES) if kind in first}
    exif = found.get(b"eXIf")
    for kind in EXIF_PROFILES:
        if exif is None and (text := texts.get(kind)) is not None:
            exif = _unwrapped(text)
    return {
        "icc_profile": _profile(found[b"iCCP"]) if b"iCCP" in found else None,
        "exif": exif,
        "xmp": texts.get(XMP),
        "dpi": _dpi(found[b"pHYs"]) if b"pHYs" in found else None,
    }


def own(body: bytes | memoryview) -> bytes:
    """Return the chunks that no other format has a place for: how colours are meant, and texts."""
    return b"".join(chunk(name, bytes(data)) for name, data in chunks(body) if _is_own(name, data))


def _is_own(name: bytes, data: memoryview) -> bool:
    if name not in TEXTS:
        return len(data) == COLOURS.get(name)
    keyword = _keyword(data)
    is_broken = name == b"zTXt" and bytes(data[len(keyword) + 1 :][:1]) != b"\0"
    return not is_broken and not keyword.startswith((XMP, PROFILE))


def _keyword(data: memoryview) -> bytes:
    return bytes(data[:KEYWORD]).partition(b"\0")[0]


def _profile(data: bytes) -> bytes | None:
    _, _, rest = data.partition(b"\0")
    return _inflated(rest)


def _text(name: bytes, data: bytes) -> bytes | None:
    _, _, rest = data.partition(b"\0")
    if name == b"tEXt":
        return rest
    if name == b"zTXt":
        return _inflated(rest)
    *_, text = rest[2:].split(b"\0", 2)  # after a language, and the keyword in it
    return _inflated(rest[1:2] + text) if rest[:1] != b"\0" else text


def _inflated(data: bytes) -> bytes | None:
    """Return what follows the number of a method, of which there is one, uncompressed."""
    codec = zlib.decompressobj()
    try:
        found = codec.decompress(data[1:], MOST + 1)
    except zlib.error:
        return None
    return found if codec.eof and len(found) <= MOST and data[:1] == b"\0" else None


def _unwrapped(text: bytes) -> bytes | None:
    """Return a profile out of a text with its name, its length and it as hexadecimal digits."""
    try:
        _, _, _, digits = text.split(b"\n", 3)
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return None


def _dpi(data: bytes) -> tuple[float, float] | None:
    if len(data) < 9:
        return None
    across, down, unit = struct.unpack_from(">IIB", data)
    return (across * INCH, down * INCH) if unit == 1 else None  # pixels a metre
