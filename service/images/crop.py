"""A part of a photograph, with metadata that fit it."""

from dataclasses import replace

from service.images import exif, xmp
from service.images.photograph import Photograph


def crop(photograph: Photograph, x: int, y: int, width: int, height: int) -> Photograph:
    """Return a part of a photograph, as views of its pixels.

    Its metadata stay, but for the width and height in EXIF and XMP, which become those of the part.

    Args:
        photograph: The whole.
        x: Pixels from its left edge.
        y: Pixels from its upper edge.
        width: In pixels.
        height: In pixels.
    """
    place = slice(y, y + height), slice(x, x + width)
    alpha, metadata = photograph.alpha, photograph.metadata
    return replace(
        photograph,
        pixels=photograph.pixels[place],
        alpha=None if alpha is None else alpha[place],
        metadata=replace(
            metadata,
            exif=metadata.exif and exif.resized(metadata.exif, width, height),
            xmp=metadata.xmp and xmp.resized(metadata.xmp, width, height),
        ),
    )
