"""Photographs to files, with the metadata that the format can hold."""

import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.cpus import usable_cpus
from service.errors import NotAcceptable
from service.images import heif_encoder, jpeg_metadata, png_encoder, png_metadata, tiff_encoder
from service.images.formats import AVIF, HEIC, INSTEAD, JPEG, PNG, TIFF, WEBP, written
from service.images.icc import has_high_range, in_srgb, profile_for
from service.images.photograph import Metadata, Photograph, Samples
from service.images.pillow import STRIP, blocks
from service.images.png_chunks import chunk

QUALITY = 90
"""The default quality of lossy formats: visually lossless at a normal viewing distance."""
LOSSLESS = 100
"""The quality from which WebP is lossless."""
FULL_CHROMA = 90
"""The quality from which JPEG, AVIF and HEIC have no chroma subsampling."""
FULL_CHROMA_PIXELS = 16_000_000
"""The pixels up to which AVIF has no chroma subsampling."""
AVIF_SPEED = 9
"""Of 0 to 10: slower ones make files no smaller by a hundredth (docs/decisions)."""
AVIF_THREADS = 2
"""At least: libaom writes other bytes with one than with any more, from 2160 pixels a side on."""
LONGEST_SIDE = {JPEG: 65_500, WEBP: 16_383, AVIF: 32_768, HEIC: 16_384}
"""In pixels; of libjpeg, libwebp, and what readers of AVIF and HEIC take by default."""


def writable(photograph: Photograph) -> tuple[str, ...]:
    """Return the media types that can hold a photograph, its own or what stands for it first.

    PNG stands for a HEIC of more than 8 bits, of which a JPEG would lose some.
    """
    own, possible = photograph.media_type, written()
    best = own if own in possible else INSTEAD[own]
    if best != own and best == JPEG and photograph.pixels.dtype == np.uint16:
        best = PNG
    held = (kind for kind in possible if _fault(photograph, kind) is None)
    return tuple(sorted(held, key=lambda kind: kind != best))


def check(photograph: Photograph, media_type: str) -> None:
    """Check that a format can hold a photograph.

    Raises:
        NotAcceptable: It cannot; the message says why, and which formats can.
    """
    if fault := _fault(photograph, media_type):
        raise NotAcceptable(
            f"{media_type}: expected {fault}; "
            f"this one can be written as {', '.join(writable(photograph))}"
        )


def write(photograph: Photograph, media_type: str, quality: int | None = None) -> bytes:
    """Return a photograph as a file.

    PNG and TIFF have the depth of the pixels, HEIC 10 bits of 16; for the others, 16 bits are
    rounded to 8. EXIF and XMP that do not fit into a JPEG segment (64 KB) are left out.

    Args:
        photograph: What to write.
        media_type: The format of the file.
        quality: 1 to 100, of lossy formats; WebP of 100 is lossless. None for QUALITY, or for a
            lossless file where the photograph came in one.

    Raises:
        NotAcceptable: The format cannot hold the photograph: transparency in a JPEG, or a side
            that is too long.
    """
    check(photograph, media_type)
    pixels, metadata = photograph.pixels, photograph.metadata
    if quality is None:
        stays_lossless = photograph.is_lossless and media_type == photograph.media_type
        quality = LOSSLESS if stays_lossless else QUALITY
    if media_type == TIFF:
        return tiff_encoder.encode(pixels, photograph.alpha, _profiled(photograph))
    if media_type == PNG:
        own = metadata.own if photograph.media_type == PNG else b""
        if not own and metadata.colour.cicp:
            own = chunk(b"cICP", metadata.colour.cicp)
        before = own + _chunks(metadata, is_gray=pixels.ndim == 2)
        return png_encoder.encode(pixels, photograph.alpha, before)
    if media_type == HEIC:
        profiled, is_fine = _profiled(photograph), quality >= FULL_CHROMA
        return heif_encoder.encode(
            pixels, photograph.alpha, profiled, quality, has_full_chroma=is_fine
        )
    picture = Image.fromarray(_in_8_bits(pixels))
    is_gray = picture.mode == "L"
    if media_type == JPEG:
        own = metadata.own if photograph.media_type == JPEG else b""
        if has_high_range(metadata.colour):
            picture = picture.convert("RGB")
        icc = profile_for(metadata, was_gray=is_gray, is_gray=picture.mode == "L")
        return _saved(picture, "JPEG", **_jpeg_options(metadata, icc, own, quality))
    icc = profile_for(metadata, was_gray=is_gray, is_gray=False)  # WebP has no gray
    if icc is None and metadata.icc is not None and is_gray:
        picture = in_srgb(picture, metadata.icc) or picture
    if photograph.alpha is not None:
        picture.putalpha(Image.fromarray(_in_8_bits(photograph.alpha)))
    if media_type == AVIF:
        return _saved(
            picture,
            "AVIF",
            quality=quality,
            subsampling=_avif_chroma(picture, quality),
            speed=AVIF_SPEED,
            max_threads=max(AVIF_THREADS, usable_cpus()),
            icc_profile=icc,
            exif=metadata.exif or b"",
            xmp=metadata.xmp or b"",
        )
    lossless = quality >= LOSSLESS
    return _saved(
        picture,
        "WEBP",
        # Lossless, quality is effort: more of it makes files little smaller, much later. Lossy,
        # methods 0 and 1 fail where the partition of block modes outgrows its 512 KB.
        quality=0 if lossless else quality,
        method=0 if lossless else 2,
        lossless=lossless,
        exact=lossless,  # keep the colours of transparent pixels
        icc_profile=icc,
        exif=metadata.exif or b"",
        xmp=metadata.xmp or b"",
    )


def _profiled(photograph: Photograph) -> Metadata:
    """Return metadata whose ICC profile gives a file of the same bands the same colours."""
    is_gray = photograph.pixels.ndim == 2
    icc = profile_for(photograph.metadata, was_gray=is_gray, is_gray=is_gray)
    return replace(photograph.metadata, icc=icc)


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _avif_chroma(picture: Image.Image, quality: int) -> str:
    """Return how AVIF samples colours: libaom takes 35 bytes a pixel for all, 22 for a quarter."""
    is_small = picture.width * picture.height <= FULL_CHROMA_PIXELS
    return "4:4:4" if quality >= FULL_CHROMA and is_small else "4:2:0"


def _jpeg_options(
    metadata: Metadata, icc: bytes | None, own: bytes, quality: int
) -> dict[str, Any]:
    exif = jpeg_metadata.EXIF + metadata.exif if metadata.exif else b""
    xmp = metadata.xmp or b""
    photoshop = jpeg_metadata.photoshop_segments(metadata.photoshop or b"")
    return {
        "quality": quality,
        "subsampling": "4:4:4" if quality >= FULL_CHROMA else "4:2:0",
        "icc_profile": icc,
        "exif": exif if len(exif) <= jpeg_metadata.LARGEST else b"",
        "xmp": xmp if len(jpeg_metadata.XMP + xmp) <= jpeg_metadata.LARGEST else b"",
        "dpi": metadata.dpi or (0, 0),
        "extra": own + photoshop,
    }


def _fault(photograph: Photograph, media_type: str) -> str | None:
    """Return what a format expects, and received, where it cannot hold a photograph."""
    if media_type not in written():
        if media_type == HEIC:
            return "the extra `heic` to be installed, received none"
        return "a format that is written here, received one that is only read"
    height, width = photograph.pixels.shape[:2]
    longest = LONGEST_SIDE.get(media_type)
    if longest is not None and max(height, width) > longest:
        return f"at most {longest} pixels along a side, received {width}x{height}"
    alpha = photograph.alpha
    if media_type == JPEG and alpha is not None and alpha.min() < np.iinfo(alpha.dtype).max:
        return "a photograph without transparency, received one with it"
    return None


def _chunks(metadata: Metadata, *, is_gray: bool) -> bytes:
    """Return metadata as PNG chunks; the colour chunks are among those of its own."""
    parts = []
    embedded = Metadata(icc=metadata.icc)
    icc = metadata.icc and profile_for(embedded, was_gray=is_gray, is_gray=is_gray)
    if icc:
        parts.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if metadata.dpi is not None:
        across, down = (round(value / png_metadata.INCH) for value in metadata.dpi)
        parts.append(chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if metadata.exif:
        parts.append(chunk(b"eXIf", metadata.exif))
    if metadata.xmp:
        parts.append(chunk(b"iTXt", png_metadata.XMP + b"\0" * 5 + metadata.xmp))
    if metadata.photoshop:
        parts.append(png_metadata.raw_profile(b"iptc", metadata.photoshop))
    return b"".join(parts)


def _in_8_bits(samples: Samples) -> NDArray[np.uint8]:
    """Return 16-bit samples rounded to 8 bits, some at a time."""
    if samples.dtype == np.uint8:
        return samples.view(np.uint8)
    rounded = np.empty(samples.shape, np.uint8)
    height, width = samples.shape[:2]
    for part in blocks(height, width, samples[0, 0].nbytes, STRIP):
        rounded[part] = (samples[part].astype(np.uint32) + 128) // 257  # 65535 is 255 times 257
    return rounded
