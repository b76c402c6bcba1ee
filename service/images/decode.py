"""Photographs out of PNG, JPEG and WebP files, at the depth that they have."""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageCms, ImageFile

from service.errors import MalformedBody, ServiceError
from service.images import png_16bit as sixteen
from service.images.formats import media_type_of, opened
from service.images.metadata import metadata_of
from service.images.photograph import PNG, Photograph, Samples
from service.images.png_chunks import header
from service.images.samples import samples_of


def area(body: bytes | memoryview, max_pixels: int) -> int:
    """Return the pixels that a file says it has, before it is decoded. Raises as read() does."""
    with _told():
        return math.prod(opened(body, media_type_of(body), max_pixels).size)


def read(body: bytes | memoryview, max_pixels: int) -> Photograph:
    """Return the photograph in a PNG, JPEG or WebP file, upright.

    A palette becomes colour, CMYK becomes sRGB (by its ICC profile where it has one), 1 to 7 bits
    become 8, 16 stay 16; a transparent colour becomes an alpha channel. Raises UnsupportedMediaType
    for other formats and for pictures that move, BodyTooLarge for more than max_pixels (before they
    are decoded), MalformedBody for a file that cannot be read.
    """
    with _told():
        media_type = media_type_of(body)
        picture = opened(body, media_type, max_pixels)
        if media_type == PNG:
            return _read_png(picture, body)
        picture.load()
        orientation, metadata = metadata_of(picture, body, media_type)
        pixels, alpha = _planes(samples_of(_plain(picture), orientation))
        return Photograph(pixels, alpha, media_type, metadata)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (ServiceError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders fail in more ways than it documents
        fault = str(error) or type(error).__name__
        raise MalformedBody(
            f"picture: expected a whole picture, received one cut off or damaged: {fault}"
        ) from error


def _read_png(picture: ImageFile.ImageFile, body: bytes | memoryview) -> Photograph:
    told = header(body)
    deep = told.depth == 16 and told.colour_type in sixteen.PASSES
    if deep:
        sixteen.prepare(picture, told.colour_type)
    picture.load()
    orientation, metadata = metadata_of(picture, body, PNG)
    if deep:
        samples = sixteen.samples_of(picture, body, told.colour_type, orientation)
    else:
        samples = samples_of(_plain(picture), orientation)
    pixels, alpha = _planes(samples)
    if told.transparent is not None and alpha is None:
        alpha = _keyed(samples, told.transparent)
    return Photograph(pixels, alpha, PNG, metadata)


def _plain(picture: ImageFile.ImageFile) -> Image.Image:
    """Return a picture as gray or RGB, with alpha where it has some."""
    match picture.mode:
        case "1":
            return picture.convert("L")
        case "P":
            return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        case "CMYK":
            return _in_srgb(picture)
    return picture


def _in_srgb(picture: ImageFile.ImageFile) -> Image.Image:
    """Return a picture of inks as sRGB: by its profile, or as if inks were ideal."""
    try:
        converted = ImageCms.profileToProfile(
            picture,
            ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"])),
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (KeyError, OSError, ImageCms.PyCMSError):  # no profile, or none that can be used
        converted = None
    return converted or picture.convert("RGB")


def _planes(samples: Samples) -> tuple[Samples, Samples | None]:
    """Return (height, width) or (height, width, 3), and the alpha (height, width) of samples."""
    bands = samples.shape[2]
    colours = samples[..., 0] if bands < 3 else samples[..., :3]
    return colours, None if bands % 2 else samples[..., -1]


def _keyed(samples: Samples, transparent: tuple[int, ...]) -> Samples:
    """Return an alpha channel that is transparent where the samples are this colour."""
    hidden = samples[..., 0] == transparent[0]
    for band, value in enumerate(transparent[1:], 1):
        hidden &= samples[..., band] == value
    alpha = np.full(hidden.shape, np.iinfo(samples.dtype).max, samples.dtype)
    alpha[hidden] = 0
    return alpha
