"""Images as programs have them, to the body of a request.

Files are sent as they are, without a Content-Type: the service recognises them by their content.
"""

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

NPY = "application/x-npy"
PNG = "image/png"
ZIP = "application/zip"

Array = NDArray[Any]
Bytes: TypeAlias = bytes | bytearray | memoryview
ImageLike: TypeAlias = Union[str, os.PathLike[str], Bytes, BinaryIO, Array, "Image"]
"""A path, the bytes of a file, an open file, an array or a Pillow image."""

PNG_MODES = ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")
"""Modes of Pillow that a PNG holds without loss."""


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request, which can be sent again.

    Attributes:
        content: The bytes.
        media_type: The Content-Type, "" for the service to recognise the content.
        is_single: Whether it is one image in an array, which comes back without a batch axis.
        is_colour_array: Whether it is an array of colour images.
    """

    content: bytes
    media_type: str = ""
    is_single: bool = False
    is_colour_array: bool = False


def read(image: ImageLike) -> Body:
    """Return the body of a request that sends an image.

    Args:
        image: A path of a picture, or of a zip of several; the bytes of such a file; an open file,
            which is read to its end; a Pillow image, sent as PNG with its EXIF and ICC profile; an
            array, sent as npy: uint8 pixels or floats in the model's range, (height, width),
            (height, width, 3), or a batch of either, (batch, height, width) or
            (batch, height, width, 3).

    Raises:
        TypeError: It is none of these.
        ValueError: The array has another shape or type of numbers, or the Pillow image a mode that
            PNG lacks.
        OSError: The file cannot be read.
    """
    if isinstance(image, str | os.PathLike):
        return Body(Path(image).read_bytes())
    if isinstance(image, bytes | bytearray | memoryview):
        return Body(bytes(image))
    pillow = sys.modules.get("PIL.Image")  # without it, nothing is an image of Pillow
    if pillow and isinstance(image, pillow.Image):
        return Body(_png(image), PNG)
    if hasattr(image, "read"):
        return Body(image.read())
    if hasattr(image, "__array__"):
        return _of_array(np.asarray(image))
    raise TypeError(
        "image: expected a path, bytes, an open file, an array or a Pillow image, received "
        f"{type(image).__name__}"
    )


def npy(array: Array) -> bytes:
    """Return an array as a .npy file: uint8 as it is, floats as float32.

    Raises:
        ValueError: It has another type of numbers.
    """
    if array.dtype != np.uint8:
        if array.dtype.kind != "f":
            raise ValueError(
                f"array: expected uint8 pixels or floats, received {array.dtype}; a 16-bit "
                "photograph can be sent as a file"
            )
        array = array.astype(np.float32, copy=False)
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _of_array(array: Array) -> Body:
    has_channels = array.ndim > 2 and array.shape[-1] == 3
    is_single = array.ndim - has_channels == 2
    if not is_single and array.ndim - has_channels != 3:
        raise ValueError(
            "array: expected (height, width), (height, width, 3) or a batch of either, received "
            f"{array.shape}"
        )
    batch = array[np.newaxis] if is_single else array
    return Body(npy(batch), NPY, is_single, has_channels)


def _png(image: "Image") -> bytes:
    if image.mode not in PNG_MODES:
        raise ValueError(
            f"image: expected a mode of {', '.join(PNG_MODES)}, received {image.mode}; convert it, "
            "or send its file"
        )
    stream = io.BytesIO()
    # Level 1: photographs compress to much the same size, in a third of the time.
    image.save(stream, "PNG", compress_level=1, exif=image.getexif())
    return stream.getvalue()
