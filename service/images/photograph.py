"""A photograph: in a file that is not decoded yet, and its upright pixels with their metadata."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8] | NDArray[np.uint16]

LARGEST_METADATA = 4 * 1024 * 1024
"""Bytes of each kind of metadata, inflated; a larger one is left out. The largest profiles, for
print, have two or three million."""


@dataclass(frozen=True, slots=True)
class ColourChunks:
    """The colour space that a PNG declares beside an ICC profile (PNG third edition, 11.3.2).

    Attributes:
        cicp: The code points of cICP: primaries, transfer, matrix, full range.
        chromaticities: x and y of white, red, green and blue (cHRM).
        gamma: The encoding exponent, 1/2.2 for example (gAMA).
        is_srgb: Whether there is an sRGB chunk.
    """

    cicp: bytes | None = None
    chromaticities: tuple[float, ...] | None = None
    gamma: float | None = None
    is_srgb: bool = False


@dataclass(frozen=True)
class Metadata:
    """The metadata of a photograph, which apply to its upright pixels.

    Attributes:
        icc: The ICC profile.
        colour: The colour space of a PNG without one.
        exif: EXIF data from the TIFF header on, orientation 1, without thumbnail.
        xmp: The XMP packet.
        photoshop: Photoshop image resource blocks (8BIM), IPTC among them, without thumbnail.
        dpi: The resolution across and down.
        own: PNG chunks or JPEG segments that no other format has a place for.
    """

    icc: bytes | None = None
    colour: ColourChunks = ColourChunks()
    exif: bytes | None = None
    xmp: bytes | None = None
    photoshop: bytes | None = None
    dpi: tuple[float, float] | None = None
    own: bytes = b""


@dataclass(frozen=True, eq=False)
class Photograph:
    """An upright photograph.

    Attributes:
        pixels: (height, width) gray or (height, width, 3) RGB, uint8 or uint16 over the full range.
            May be a view that is not contiguous.
        alpha: Opacity (height, width) of the same type, None without an alpha channel.
        media_type: The format of the file.
        metadata: Its metadata.
        is_lossless: Whether a file of a format that is mostly lossy has lost nothing.
        warning: What of the file could not be read, as X-Image-Warning says it.
    """

    pixels: Samples
    alpha: Samples | None
    media_type: str
    metadata: Metadata = Metadata()
    is_lossless: bool = False
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image file that is opened and not decoded.

    Attributes:
        media_type: Its format.
        size: (width, height) in pixels, as stored.
        mode: Pillow's mode of the stored pixels: L, RGB, RGBA, P and so on.
        frames: The pictures of an animation, 1 without it.
        samples: Returns pixels and alpha, made upright from an EXIF orientation, 1 to 8.
        exif: Returns its EXIF data.
        metadata: Returns all of its metadata, as they are stored.
        is_upright: Whether `samples` applies the orientation that the file itself declares, so that
            EXIF's is none to apply.
        is_lossless: Whether a file of a format that is mostly lossy has lost nothing.
        decoded: The pixels that decoding takes memory for, where these are more than `size` has: of
            a sensor's margins, of tiles, of what is cropped.
        warnings: What could not be read; `samples` adds to it.
    """

    media_type: str
    size: tuple[int, int]
    mode: str
    frames: int
    samples: Callable[[int], tuple[Samples, Samples | None]]
    exif: Callable[[], bytes | None]
    metadata: Callable[[], Metadata]
    is_upright: bool = False
    is_lossless: bool = False
    decoded: int = 0
    warnings: list[str] = field(default_factory=list)
