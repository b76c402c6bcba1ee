"""The metadata of a PNG file, of which damaged or oversized parts are left out.

PNG (third edition), https://www.w3.org/TR/png-3/, section 11.3; the "raw profiles" in which
ImageMagick and others store EXIF, XMP and IPTC as text.
"""

import struct
import zlib
from collections.abc import Iterable

from service.errors import is_shortage
from service.images.photograph import LARGEST_METADATA, ColourChunks, Metadata
from service.images.photoshop import has_iptc, without_thumbnail
from service.images.png_chunks import chunk

KEYWORD = 80
"""Bytes of a text's keyword with the zero that ends it (PNG 11.3.3.2)."""
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
COLOURS = {b"cHRM": 32, b"gAMA": 4, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8}
"""Chunks that describe colours, and their bytes (PNG 11.3.2)."""
XMP, RAW_PROFILE = b"XML:com.adobe.xmp", b"Raw profile type "
XMP_PROFILE, APP1_PROFILE = RAW_PROFILE + b"xmp", RAW_PROFILE + b"APP1"
EXIF_PROFILES = (RAW_PROFILE + b"exif", APP1_PROFILE)
PHOTOSHOP_PROFILE, IPTC_PROFILE = RAW_PROFILE + b"8bim", RAW_PROFILE + b"iptc"
EXIF_IN_APP1, XMP_IN_APP1 = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
KEYWORDS = frozenset([XMP, XMP_PROFILE, *EXIF_PROFILES, PHOTOSHOP_PROFILE, IPTC_PROFILE])
NAMES = frozenset([b"iCCP", b"eXIf", b"pHYs", *COLOURS])
INCH = 0.0254
"""Metres."""

Ancillary = Iterable[tuple[bytes, memoryview]]


class PngMetadata:
    """The metadata in the ancillary chunks of a file.

    Of several chunks for the same thing the first counts: the others are not worth their time.
    """

    def __init__(self, ancillary: Ancillary) -> None:
        """Find the chunks that are read; inflate none.

        Args:
            ancillary: Type and data of each ancillary chunk.
        """
        self._first: dict[bytes, tuple[bytes, memoryview]] = {}
        self._own: list[tuple[bytes, memoryview]] = []
        room = LARGEST_METADATA
        for name, data in ancillary:
            if name in TEXTS:
                key, is_read = _keyword(data), KEYWORDS
            else:
                key, is_read = name, NAMES
            if key in is_read and key not in self._first and len(data) <= LARGEST_METADATA:
                self._first[key] = name, data
            if _is_own(name, data) and len(data) <= room:
                self._own.append((name, data))
                room -= len(data)

    def exif(self) -> bytes | None:
        """Return EXIF data, from eXIf or else from a raw profile."""
        if b"eXIf" in self._first:
            return bytes(self._first[b"eXIf"][1])
        found = (self._raw_profile(keyword) for keyword in EXIF_PROFILES)
        return next(
            (exif for exif in found if exif and not exif.startswith(XMP_IN_APP1)),
            None,
        )

    def metadata(self) -> Metadata:
        """Return all metadata as they are stored."""
        return Metadata(
            icc=self._profile(),
            colour=self._colour(),
            exif=self.exif(),
            xmp=self._xmp(),
            photoshop=self._photoshop(),
            dpi=self._dpi(),
            own=b"".join(chunk(name, bytes(data)) for name, data in self._own),
        )

    def _profile(self) -> bytes | None:
        if b"iCCP" not in self._first:
            return None
        _, _, rest = bytes(self._first[b"iCCP"][1]).partition(b"\0")
        return _inflated(rest)

    def _colour(self) -> ColourChunks:
        data = {
            name: bytes(self._first[name][1])
            for name, size in COLOURS.items()
            if name in self._first and len(self._first[name][1]) == size
        }
        chromaticities = gamma = None
        if b"cHRM" in data:
            chromaticities = tuple(v / 100_000 for v in struct.unpack(">8I", data[b"cHRM"]))
        if b"gAMA" in data:
            gamma = struct.unpack(">I", data[b"gAMA"])[0] / 100_000
        return ColourChunks(data.get(b"cICP"), chromaticities, gamma, b"sRGB" in data)

    def _xmp(self) -> bytes | None:
        xmp = self._text(XMP)
        if xmp is None:
            xmp = self._raw_profile(XMP_PROFILE)
        if xmp is None:
            other = self._raw_profile(APP1_PROFILE)
            if other is not None and other.startswith(XMP_IN_APP1):
                xmp = other.removeprefix(XMP_IN_APP1)
        return xmp

    def _photoshop(self) -> bytes | None:
        """Return resource blocks, and IPTC from its own profile where these have none."""
        profiles = [
            kept
            for keyword in (PHOTOSHOP_PROFILE, IPTC_PROFILE)
            if (profile := self._raw_profile(keyword)) and (kept := without_thumbnail(profile))
        ]
        if len(profiles) == 2 and has_iptc(profiles[0]):
            profiles.pop()
        return b"".join(profiles) or None

    def _dpi(self) -> tuple[float, float] | None:
        _, data = self._first.get(b"pHYs", (b"", b""))
        if len(data) < 9:
            return None
        across, down, unit = struct.unpack_from(">IIB", data)
        return (across * INCH, down * INCH) if unit == 1 else None  # pixels a metre

    def _text(self, keyword: bytes) -> bytes | None:
        """Return the text with a keyword (PNG 11.3.3)."""
        if keyword not in self._first:
            return None
        name, data = self._first[keyword]
        _, _, rest = bytes(data).partition(b"\0")
        if name == b"tEXt":
            return rest
        if name == b"zTXt":
            return _inflated(rest)
        *_, text = rest[2:].split(b"\0", 2)  # behind a language tag and a translated keyword
        return _inflated(rest[1:2] + text) if rest[:1] != b"\0" else text

    def _raw_profile(self, keyword: bytes) -> bytes | None:
        """Return a profile that is stored as its name, its length and hexadecimal digits."""
        try:
            _, _, _, digits = (self._text(keyword) or b"").split(b"\n", 3)
            return bytes.fromhex(digits.decode("ascii"))
        except ValueError:
            return None


def raw_profile(name: bytes, data: bytes) -> bytes:
    """Return a zTXt chunk with a raw profile, as ImageMagick writes it."""
    digits = data.hex().encode()
    lines = b"\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = b"\n%s\n%8d\n%s\n" % (name, len(data), lines)
    return chunk(b"zTXt", RAW_PROFILE + name + b"\0\0" + zlib.compress(text))


def _is_own(name: bytes, data: memoryview) -> bool:
    """Return whether a chunk is kept as it is: colours, and texts without another place."""
    if name not in TEXTS:
        return len(data) == COLOURS.get(name)
    keyword = _keyword(data)
    is_broken = name == b"zTXt" and bytes(data[len(keyword) + 1 :][:1]) != b"\0"
    return not is_broken and not keyword.startswith((XMP, RAW_PROFILE))


def _keyword(data: memoryview) -> bytes:
    return bytes(data[:KEYWORD]).partition(b"\0")[0]


def _inflated(data: bytes) -> bytes | None:
    """Return what follows a compression method, which must be 0, uncompressed."""
    inflate = zlib.decompressobj()
    try:
        found = inflate.decompress(data[1:], LARGEST_METADATA + 1)
    except zlib.error as error:
        if is_shortage(error):
            raise MemoryError from error
        return None
    return found if inflate.eof and len(found) <= LARGEST_METADATA and data[:1] == b"\0" else None
