"""HEIC files, where the extra `heic` is installed: x265 of 8 bits, or 10 for pixels of 16."""

import io

import numpy as np

from service.images.photograph import Metadata, Samples

PRESET = "ultrafast"
"""Of x265: the default one takes many times as long for a file a tenth smaller."""
TILE = 1024
"""Pixels of a side of the tiles that a picture is coded in, one after another, as phones do."""
HIGH, AS_HIGH, HIGHEST = 90, 63, 100
"""The qualities from which x265 is asked for more, what that is for it, and the highest."""


def encode(
    pixels: Samples,
    alpha: Samples | None,
    metadata: Metadata,
    quality: int,
    *,
    has_full_chroma: bool,
) -> bytes:
    """Return a HEIC file.

    Args:
        pixels: (height, width) or (height, width, 3).
        alpha: (height, width) of the same type, or None.
        metadata: EXIF, XMP and ICC profile to store.
        quality: 1 to 100.
        has_full_chroma: Whether colours have the resolution of the picture, or half of it.
    """
    import pillow_heif

    bands = [np.atleast_3d(pixels)] + ([] if alpha is None else [alpha[..., None]])
    values = np.ascontiguousarray(np.concatenate(bands, axis=2) if len(bands) > 1 else bands[0])
    count = values.shape[2]
    if count == 2:  # libheif has no mode of gray and alpha
        values, count = np.concatenate([values[..., :1]] * 3 + [values[..., 1:]], axis=2), 4
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[count]
    deep = ";16" if values.dtype == np.uint16 else ""
    height, width = values.shape[:2]
    image = pillow_heif.from_bytes(f"{mode}{deep}", (width, height), values.tobytes())
    stream = io.BytesIO()
    image.save(
        stream,
        quality=_of_x265(quality),
        chroma=444 if has_full_chroma else 420,
        enc_params={"preset": PRESET},
        tile_size=TILE,
        icc_profile=metadata.icc,
        exif=metadata.exif,
        xmp=metadata.xmp,
    )
    return stream.getvalue()


def _of_x265(quality: int) -> int:
    """Return the quality for which x265 makes files about as large and as exact as JPEG's are."""
    if quality <= HIGH:
        return quality * AS_HIGH // HIGH
    return AS_HIGH + (quality - HIGH) * (HIGHEST - AS_HIGH) // (HIGHEST - HIGH)
