"""A photograph: its pixels, upright, and what its file says of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8] | NDArray[np.uint16]

PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"
MEDIA_TYPES = (PNG, JPEG, WEBP)
"""What is read and written."""


@dataclass(frozen=True)
class Metadata:
    """What a file says besides its pixels, as it stood there, but for what was true no more.

    icc: the ICC profile; exif: the EXIF data from its byte order on, told to be upright and without
    the thumbnail; xmp: the XMP packet; dpi: across and down; own: PNG chunks or JPEG segments that
    no other format has a place for.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    own: bytes = b""


@dataclass(frozen=True, eq=False)
class Photograph:
    """Pixels (height, width) or (height, width, 3), upright: uint8 or uint16, over the whole range.

    alpha: the opacity (height, width) of the same type, None where the file has none; media_type:
    the format that it was read from. Both may be views that are not contiguous.
    """

    pixels: Samples
    alpha: Samples | None
    media_type: str
    metadata: Metadata = Metadata()
