"""Photographs into PNG, JPEG and WebP files, with all that they held besides their pixels."""

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.errors import NotAcceptable
from service.images import png_encoder as png
from service.images import png_metadata
from service.images.photograph import (
    JPEG,
    MEDIA_TYPES,
    PNG,
    WEBP,
    Metadata,
    Photograph,
    Samples,
)
from service.images.png_chunks import chunk
from service.images.strips import blocks

QUALITY = 90
"""Of JPEG and WebP where none is asked for: what a second look does not tell from the pixels."""
LOSSLESS = 100
"""The quality from which WebP changes no pixel."""
FINE = 90
"""The quality from which JPEG keeps the colour of every pixel, instead of one for four."""
LONGEST = {JPEG: 65_500, WEBP: 16_383}
"""Pixels along a side."""
SEGMENT = 65_533
"""Bytes that a JPEG segment holds, what names it among them."""
EXIF, XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
STRIP = 1 << 18
"""Bytes that are made 8-bit at a time."""


def writable(photograph: Photograph) -> tuple[str, ...]:
    """Return the media types that can hold a photograph, its own first."""
    held = (kind for kind in MEDIA_TYPES if _fault(photograph, kind) is None)
    return tuple(sorted(held, key=lambda kind: kind != photograph.media_type))


def check(photograph: Photograph, media_type: str) -> None:
    """Raise NotAcceptable, with the reason, for a format that cannot hold a photograph."""
    if fault := _fault(photograph, media_type):
        raise NotAcceptable(
            f"{media_type}: expected {fault}; "
            f"this one can be written as {', '.join(writable(photograph))}"
        )


def write(
    photograph: Photograph, pixels: Samples, media_type: str, quality: int = QUALITY
) -> bytes:
    """Return a photograph with other pixels of its own shape and type as a file of a media type.

    A PNG is of its depth, JPEG and WebP are of 8 bits, to which 16 are rounded. quality: 1-100 for
    JPEG and WebP; 100 is a WebP without loss. What JPEG has no room for in its segments is left
    out: EXIF and XMP beyond 64 KB. Raises NotAcceptable for what the format cannot hold:
    transparency in a JPEG, more pixels along a side than it counts.
    """
    check(photograph, media_type)
    metadata = photograph.metadata
    own = metadata.own if media_type == photograph.media_type else b""
    gray = pixels.ndim == 2 and media_type != WEBP  # which has no gray
    icc = metadata.icc if _is_of(metadata.icc, b"GRAY" if gray else b"RGB ") else None
    if media_type == PNG:
        return png.encode(pixels, photograph.alpha, own + _chunks(metadata, icc))
    picture = Image.fromarray(_bytes(pixels))
    stream = io.BytesIO()
    if media_type == JPEG:
        exif = EXIF + metadata.exif if metadata.exif else b""
        xmp = metadata.xmp or b""
        picture.save(
            stream,
            "JPEG",
            quality=quality,
            subsampling="4:4:4" if quality >= FINE else "4:2:0",
            icc_profile=icc,
            exif=exif if len(exif) <= SEGMENT else b"",
            xmp=xmp if len(XMP + xmp) <= SEGMENT else b"",
            dpi=metadata.dpi or (0, 0),
            extra=own,
        )
        return stream.getvalue()
    if photograph.alpha is not None:
        picture.putalpha(Image.fromarray(_bytes(photograph.alpha)))
    lossless = quality >= LOSSLESS
    picture.save(
        stream,
        "WEBP",
        # Without loss, quality is effort: more of it makes little smaller files, much later. With
        # loss, methods 0 and 1 fail where the description of the blocks outgrows its 512 KB.
        quality=0 if lossless else quality,
        method=0 if lossless else 2,
        lossless=lossless,
        exact=lossless,  # the colours of what is transparent, too
        icc_profile=icc,
        exif=metadata.exif or b"",
        xmp=metadata.xmp or b"",
    )
    return stream.getvalue()


def _fault(photograph: Photograph, media_type: str) -> str | None:
    """Return what a format expects of a photograph, and received, where it cannot hold it."""
    height, width = photograph.pixels.shape[:2]
    longest = LONGEST.get(media_type)
    if longest is not None and max(height, width) > longest:
        return f"at most {longest} pixels along a side, received {width}x{height}"
    alpha = photograph.alpha
    if media_type == JPEG and alpha is not None and alpha.min() < np.iinfo(alpha.dtype).max:
        return "a photograph without transparency, received one with it"
    return None


def _is_of(icc: bytes | None, space: bytes) -> bool:
    """Return whether an ICC profile is of this colour space, as its header says."""
    return icc is not None and icc[16:20] == space


def _chunks(metadata: Metadata, icc: bytes | None) -> bytes:
    """Return metadata as PNG chunks."""
    parts = []
    if icc is not None:
        parts.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if metadata.dpi is not None:
        across, down = (round(value / 0.0254) for value in metadata.dpi)  # a metre
        parts.append(chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if metadata.exif:
        parts.append(chunk(b"eXIf", metadata.exif))
    if metadata.xmp:
        parts.append(chunk(b"iTXt", png_metadata.XMP + b"\0" * 5 + metadata.xmp))
    return b"".join(parts)


def _bytes(samples: Samples) -> NDArray[np.uint8]:
    """Return samples of 16 bits rounded to 8, some at a time."""
    if samples.dtype == np.uint8:
        return samples.view(np.uint8)
    rounded = np.empty(samples.shape, np.uint8)
    height, width = samples.shape[:2]
    for part in blocks(height, width, samples[0, 0].nbytes, STRIP):
        rounded[part] = (samples[part].astype(np.uint32) + 128) // 257  # 65535 is 255 times 257
    return rounded
