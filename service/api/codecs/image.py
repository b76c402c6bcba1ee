"""Pictures in bodies, for models of images of one size."""

import functools
import io
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
from PIL import Image

from service.cpus import usable_cpus
from service.errors import BodyTooLarge, ShapeMismatch
from service.images import encode
from service.images.decode import decode, open_image
from service.images.fit import Bytes, Frame, checked, fitted
from service.images.formats import JPEG, PNG, READ_ALL, WEBP, Policy
from service.images.photograph import Photograph

FORMATS = {PNG: "PNG", JPEG: "JPEG", WEBP: "WEBP"}
LARGE = 1_000_000
"""Pixels of a picture, above which at most one for each CPU is decoded at a time."""


def warm_up() -> None:
    """Write and read a picture of each format, as Pillow loads its codecs on first use.

    Pillow's own limit of pixels is lifted for the process: open_image() has one that is set.
    """
    Image.MAX_IMAGE_PIXELS = None
    for media_type in FORMATS:
        decode(open_image(write(np.zeros((1, 1), np.uint8), media_type)))
    _turns()


def read(
    files: Sequence[bytes | memoryview],
    frame: Frame,
    *,
    fit: bool,
    max_pixels: int,
    policy: Policy = READ_ALL,
) -> Bytes:
    """Return the pixels of pictures of one size, made upright as their EXIF orientation says.

    Args:
        files: Image files.
        frame: What the model takes.
        fit: Whether to convert and scale what is not as the model takes it.
        max_pixels: The most pixels of all files together, before they are fitted.
        policy: Which formats are read; truncated files are refused in any case.

    Returns:
        Pixels (batch, height, width) or (batch, height, width, 3).

    Raises:
        UnsupportedMediaType: A file is of another format, or animated.
        BodyTooLarge: The files have more pixels, which is found before each is decoded.
        MalformedBody: A file is damaged or truncated.
        ShapeMismatch: A picture is not as the model takes it, or cannot be fitted; or they are of
            several sizes.
    """
    policy = replace(policy, reads_truncated=False)
    pictures: list[Bytes] = []
    pixels_left = max_pixels
    for body in files:
        image = open_image(body, None, policy)
        width, height = image.size
        if width * height > pixels_left:
            raise BodyTooLarge(
                f"picture: expected at most {pixels_left} pixels in all (SERVICE_MAX_PIXELS), "
                f"received {width}x{height}"
            )
        pixels_left -= width * height
        with _turns() if width * height > LARGE else nullcontext():
            photograph = decode(image, with_metadata=False)
            pictures.append(
                fitted(photograph, frame) if fit else checked(photograph, image.mode, frame)
            )
    if len({each.shape for each in pictures}) > 1:
        raise ShapeMismatch(
            "file: expected pictures of one size, received "
            + ", ".join(f"{each.shape[1]}x{each.shape[0]}" for each in pictures)
        )
    return np.stack(pictures)


def write(pixels: Bytes, media_type: str) -> bytes:
    """Return pixels (height, width[, 3]) as a file of a media type."""
    if media_type not in FORMATS:
        return encode.write(Photograph(pixels, None, PNG), media_type)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, FORMATS[media_type])
    return stream.getvalue()


@functools.cache
def _turns() -> threading.BoundedSemaphore:
    """Limit the large pictures that are decoded at a time to one for each CPU.

    A body of 190 KB may hold 49 million pixels, which take 750 MB until they fit a model. More of
    them at a time than there are CPUs would be done no sooner, and multiply that memory.
    """
    return threading.BoundedSemaphore(usable_cpus())
