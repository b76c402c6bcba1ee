"""Pictures in bodies: PNG, JPEG and WebP <-> arrays of pixels, fitted to a model where asked."""

import functools
import io
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from service.cpus import usable_cpus
from service.errors import (
    BodyTooLarge,
    MalformedBody,
    ServiceError,
    ShapeMismatch,
    UnsupportedMediaType,
)
from service.inference.pixels import Bytes
from service.manifest import Dimension

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
LARGE = 1_000_000
"""Pixels of a picture, beyond which it waits for its turn to be decoded."""
COLOURS = {"L": "gray", "RGB": "colour"}


@dataclass(frozen=True)
class Frame:
    """The picture that a model takes: a Pillow mode, and (height, width), whose names are free.

    longest: the most pixels that a free side may come to have when a picture is fitted.
    """

    mode: str
    size: tuple[Dimension, Dimension]
    longest: int

    def __str__(self) -> str:
        height, width = self.size
        return f"{width}x{height} {COLOURS[self.mode]} ({self.mode})"


def warm_up() -> None:
    """Write and read a picture of each format: Pillow loads its codecs when they are first used.

    From then on Pillow warns of no large picture: _open() refuses them by a limit that can be set.
    """
    Image.MAX_IMAGE_PIXELS = None
    for media_type in FORMATS:
        _open(write(np.zeros((1, 1), np.uint8), media_type), max_pixels=1).load()
    _turns()


def media_type_of(head: bytes) -> str:
    """Return the media type of FORMATS that the start of a body shows, or "" for none."""
    if head.startswith(b"\x89PNG"):
        return "image/png"
    if head.startswith(b"\xff\xd8"):
        return "image/jpeg"
    return "image/webp" if head.startswith(b"RIFF") and b"WEBP".startswith(head[8:12]) else ""


def read(
    files: Sequence[bytes | memoryview], frame: Frame, *, fit: bool, max_pixels: int
) -> list[Bytes]:
    """Return the pixels (height, width) or (height, width, 3) of PNG, JPEG or WebP pictures.

    Their EXIF orientation is applied, and RGB that shows nothing but gray is gray. With fit, a
    picture of another mode or size is converted and scaled into the frame, its aspect kept, the
    rest black. Raises UnsupportedMediaType for other formats and for pictures that move,
    BodyTooLarge for more than max_pixels in all (before they are decoded), MalformedBody for a
    picture that cannot be read, ShapeMismatch for one that is not, or cannot be made, as the frame
    says.
    """
    images, pixels_left = [], max_pixels
    for body in files:
        try:
            picture = _open(body, pixels_left)
            pixels = picture.width * picture.height
            pixels_left -= pixels
            with _turns() if pixels > LARGE else nullcontext():
                picture.load()
                picture = _upright(picture)
                if fit:
                    picture = _fitted(picture, frame)
                elif picture.mode == "RGB" and frame.mode == "L" and _agrees(picture, frame):
                    picture = _without_colour(picture)
        except ServiceError:
            raise
        except Exception as error:  # Pillow's decoders fail in more ways than it documents
            fault = str(error) or type(error).__name__
            raise MalformedBody(
                f"picture: expected a whole picture, received one cut off or damaged: {fault}"
            ) from error
        if picture.mode != frame.mode or not _agrees(picture, frame):
            size = f"{picture.width}x{picture.height}"
            raise ShapeMismatch(
                f"picture: expected {frame}, received {size} {picture.mode}; "
                "?fit=true converts and resizes it"
            )
        images.append(np.asarray(picture))
    return images


def write(pixels: Bytes, media_type: str) -> bytes:
    """Return pixels (height, width[, 3]) as a picture of one of the media types of FORMATS."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, FORMATS[media_type])
    return stream.getvalue()


def _open(body: bytes | memoryview, max_pixels: int) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(body), formats=list(FORMATS.values()))
    except UnidentifiedImageError as error:
        if not body or media_type_of(bytes(body[:12])):
            raise MalformedBody("picture: expected a whole picture, received its start") from error
        raise UnsupportedMediaType(
            f"picture: expected {', '.join(FORMATS.values())}, received another format"
        ) from error
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format in ("PNG", "WEBP"):  # a phone's JPEG may hold a preview too
        raise UnsupportedMediaType(
            f"picture: expected one that does not move, received {frames} frames"
        )
    if picture.width * picture.height > max_pixels:
        raise BodyTooLarge(
            f"picture: expected at most {max_pixels} pixels in all, "
            f"received {picture.width}x{picture.height}"
        )
    return picture


@functools.cache
def _turns() -> threading.BoundedSemaphore:
    """As many turns as there are processors, each for one large picture at a time.

    A body of 190 KB may hold 49 million pixels, which take 560 MB until they fit a model. More of
    them at once than there are processors would be no sooner done, and multiply that memory.
    """
    return threading.BoundedSemaphore(usable_cpus())


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # noqa: BLE001 - broken metadata fails in many ways, and spoils no pixel
        return picture


def _without_colour(picture: Image.Image) -> Image.Image:
    """An RGB picture as gray if it shows nothing else: WebP has no other mode, and rounds by 1."""
    pixels = np.asarray(picture)
    is_gray = (pixels.max(axis=-1) - pixels.min(axis=-1) <= 1).all()
    return picture.convert("L") if is_gray else picture


def _agrees(picture: Image.Image, frame: Frame) -> bool:
    return all(
        isinstance(expected, str) or expected == received
        for expected, received in zip(frame.size, (picture.height, picture.width), strict=True)
    )


def _fitted(picture: Image.Image, frame: Frame) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel, which convert() would cut off at 255
        values = np.asarray(picture).astype(np.uint32)
        picture = Image.fromarray((values >> 8).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        black = Image.new("RGBA", picture.size, "black")
        picture = Image.alpha_composite(black, picture)
    picture = picture.convert(frame.mode)
    height, width = frame.size
    # A free side follows from the other one, the aspect being kept.
    if isinstance(height, int) and isinstance(width, int):
        size = (width, height)
    elif isinstance(width, int):
        size = (width, _followed(picture.height * width / picture.width, frame))
    elif isinstance(height, int):
        size = (_followed(picture.width * height / picture.height, frame), height)
    else:
        return picture
    return ImageOps.pad(picture, size, Image.Resampling.LANCZOS, color="black")


def _followed(side: float, frame: Frame) -> int:
    if side > frame.longest:
        raise ShapeMismatch(
            f"picture: expected at most {frame.longest} pixels along a free side, received one "
            f"that would have {side:.0f}"
        )
    return max(1, round(side))
