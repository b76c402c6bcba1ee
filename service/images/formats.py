"""The formats of photographs in one table: names, magic numbers, suffixes, and what each needs.

Magic numbers: the specifications of each format; ISO/IEC 14496-12 and 23008-12 for `ftyp` and its
brands.
"""

import functools
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"
TIFF, AVIF, HEIC = "image/tiff", "image/avif", "image/heic"
BMP, GIF, JP2, JXL, RAW = "image/bmp", "image/gif", "image/jp2", "image/jxl", "image/x-raw"
MEDIA_TYPES = (PNG, JPEG, WEBP, TIFF, AVIF, HEIC)
"""The formats that are read and written; HEIC is written where its encoder is installed."""
READ = (*MEDIA_TYPES, BMP, GIF, JP2, JXL, RAW)
"""The formats that are read; image/x-raw stands for the raw formats of all cameras."""

Name = Literal["png", "jpeg", "webp", "tiff", "avif", "heic", "bmp", "gif", "jp2", "jxl", "raw"]
"""How SERVICE_FORMATS names them."""
NAMES: tuple[Name, ...] = get_args(Name)


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        name: How settings name it.
        media_type: Its media type.
        label: Its name for people.
        suffixes: Of its files, in lower case, the usual one first.
        starts: How its files begin.
        libraries: Modules of which one must be installed to read it, none for no further one.
        extra: The extra of this package that brings one.
    """

    name: Name
    media_type: str
    label: str
    suffixes: tuple[str, ...]
    starts: tuple[bytes, ...] = ()
    libraries: tuple[str, ...] = ()
    extra: str = ""


FORMATS = (
    Format("png", PNG, "PNG", (".png",), (b"\x89PNG",)),
    Format("jpeg", JPEG, "JPEG", (".jpg", ".jpeg"), (b"\xff\xd8",)),
    Format("webp", WEBP, "WebP", (".webp",), (b"RIFF\0\0\0\0WEBP",)),
    Format(
        "raw",
        RAW,
        "camera raw",
        (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"),
        (
            b"II*\0\x10\0\0\0CR",
            b"IIU\0",
            b"IIRO",
            b"IIRS",
            b"MMOR",
            b"FUJIFILMCCD-RAW",
        ),
        ("rawpy",),
        "raw",
    ),
    Format(
        "tiff",
        TIFF,
        "TIFF",
        (".tif", ".tiff"),
        (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    ),
    Format("avif", AVIF, "AVIF", (".avif",)),
    Format(
        "heic", HEIC, "HEIC", (".heic", ".heif", ".hif"), (), ("pillow_heif", "pi_heif"), "heic"
    ),
    Format("bmp", BMP, "BMP", (".bmp",)),  # decode.recognised() looks further than its two letters
    Format("gif", GIF, "GIF", (".gif",), (b"GIF8",)),
    Format(
        "jp2",
        JP2,
        "JPEG 2000",
        (".jp2", ".j2k", ".jpx"),
        (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
    ),
    Format(
        "jxl",
        JXL,
        "JPEG XL",
        (".jxl",),
        (b"\xff\x0a", b"\0\0\0\x0cJXL "),
        ("pillow_jxl",),
        "jxl",
    ),
)
"""In the order in which they are recognised: a Canon raw file also begins as a TIFF does."""
BY_TYPE = {each.media_type: each for each in FORMATS}
BY_NAME = {each.name: each for each in FORMATS}
SUFFIXES = {
    suffix: each.media_type
    for each in sorted(FORMATS, key=lambda each: NAMES.index(each.name))
    for suffix in each.suffixes
}
"""Formats by a file's suffix, in lower case; new files get the first of a format."""
INSTEAD = {HEIC: JPEG, BMP: PNG, GIF: PNG, JP2: PNG, JXL: PNG, RAW: TIFF}
"""What is written in place of a format that is not."""
OTHERS = {
    b"8BPS": "a Photoshop document",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"<svg": "SVG",
    b"\0\0\1\0": "an icon",
    b"II\xbc\1": "JPEG XR",
    b"\x1aE\xdf\xa3": "a video",
    b"RIFF\0\0\0\0AVI ": "a video",
    b"PK\3\4": "a zip archive",
    b"#?RADIANCE": "Radiance HDR",
    b"v/1\1": "OpenEXR",
}
"""Formats that are recognised and not read."""
BRANDS = {
    b"avif": AVIF,
    b"avis": AVIF,
    b"heic": HEIC,
    b"heix": HEIC,
    b"heim": HEIC,
    b"heis": HEIC,
    b"hevc": HEIC,
    b"hevx": HEIC,
    b"hevm": HEIC,
    b"hevs": HEIC,
    b"mif1": HEIC,
    b"msf1": HEIC,
    b"mif2": HEIC,
    b"crx ": RAW,
}
"""Formats by brand; mif1 and msf1 say only that it is some HEIF, so that others count first."""
GENERIC = (b"mif1", b"msf1", b"mif2")


@dataclass(frozen=True, slots=True)
class Policy:
    """Which files are read.

    Attributes:
        formats: Their names.
        reads_truncated: Whether the pixels of a JPEG that ends early are taken as far as they go.
    """

    formats: frozenset[str] = frozenset(NAMES)
    reads_truncated: bool = False


READ_ALL = Policy()


@functools.cache
def is_installed(name: Name) -> bool:
    """Return whether what reads a format is installed."""
    libraries = BY_NAME[name].libraries
    return not libraries or any(map(importlib.util.find_spec, libraries))


@functools.cache
def written() -> tuple[str, ...]:
    """Return the media types that can be written with what is installed."""
    has_heic = importlib.util.find_spec("pillow_heif") is not None
    return tuple(each for each in MEDIA_TYPES if each != HEIC or has_heic)


def default_for(media_type: str) -> str:
    """Return the media type in which a photograph is written unless another one is asked for."""
    return media_type if media_type in written() else INSTEAD.get(media_type, PNG)


def labels(formats: Iterable[str]) -> str:
    """Return the labels of formats that are read with what is installed, for an error."""
    names = set(formats)
    return ", ".join(BY_NAME[name].label for name in NAMES if name in names and is_installed(name))
