"""Pictures of any kind to the size and colours that a model takes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from service.errors import ShapeMismatch
from service.images.photograph import Photograph, Samples
from service.manifest import Dimension, Fit

Bytes = NDArray[np.uint8]

COLOURS = {"L": "gray", "RGB": "colour"}


@dataclass(frozen=True)
class Frame:
    """The pictures that a model takes.

    Attributes:
        mode: Pillow's mode, L or RGB.
        size: (height, width) in pixels; a name instead of a number is a free side.
        longest: The most pixels along a free side of a picture that is fitted.
        fit: How a picture of another size is fitted.
    """

    mode: str
    size: tuple[Dimension, Dimension]
    longest: int
    fit: Fit = "pad"

    def __str__(self) -> str:
        height, width = self.size
        return f"{width}x{height} {COLOURS[self.mode]} ({self.mode})"


def checked(photograph: Photograph, mode: str, frame: Frame) -> Bytes:
    """Return the pixels of a picture that is as a model takes it.

    RGB whose channels differ by 1 at most is gray where the model takes gray, as WebP has no gray.

    Args:
        photograph: The picture.
        mode: Pillow's mode of its file.
        frame: What the model takes.

    Returns:
        Pixels (height, width) or (height, width, 3).

    Raises:
        ShapeMismatch: The picture is of another mode or size.
    """
    height, width = photograph.pixels.shape[:2]
    has_size = all(
        isinstance(expected, str) or expected == received
        for expected, received in zip(frame.size, (height, width), strict=True)
    )
    if has_size and mode == frame.mode:
        return _in_8_bits(photograph.pixels)
    if has_size and mode == "RGB" and frame.mode == "L":
        pixels = _in_8_bits(photograph.pixels)
        if (pixels.max(axis=-1) - pixels.min(axis=-1) <= 1).all():
            return np.asarray(Image.fromarray(pixels).convert("L"))
    raise ShapeMismatch(
        f"picture: expected {frame}, received {width}x{height} {mode}; "
        "?fit=true converts and resizes it"
    )


def fitted(photograph: Photograph, frame: Frame) -> Bytes:
    """Return the pixels of a picture that is converted and scaled to what a model takes.

    What is transparent becomes black.

    Returns:
        Pixels (height, width) or (height, width, 3).

    Raises:
        ShapeMismatch: A free side would be longer than `frame.longest`.
    """
    pixels = _in_8_bits(photograph.pixels)
    height, width = pixels.shape[:2]
    size = _fitted_size((width, height), frame)
    has_mode = ("L" if pixels.ndim == 2 else "RGB") == frame.mode
    if has_mode and size == (width, height) and photograph.alpha is None:
        return pixels
    picture = Image.fromarray(pixels)
    del pixels  # 49 million of them, which a small body may hold, are 150 MB
    if photograph.alpha is not None:
        picture = picture.convert("RGB")
        picture.putalpha(Image.fromarray(_in_8_bits(photograph.alpha)))
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture)
    picture = picture.convert(frame.mode)
    if size != picture.size:
        picture = scaled(picture, size, frame.fit)
    return np.asarray(picture)


def scaled(picture: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """Return a picture of another size.

    Args:
        picture: Of any size.
        size: (width, height) in pixels.
        fit: What becomes of its aspect.
    """
    if fit == "pad":
        return ImageOps.pad(picture, size, Image.Resampling.LANCZOS, color="black")
    if fit == "crop":
        return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    return picture.resize(size, Image.Resampling.LANCZOS)


def _fitted_size(size: tuple[int, int], frame: Frame) -> tuple[int, int]:
    """Return (width, height); a free side follows from the other one, the aspect being kept."""
    height, width = frame.size
    if isinstance(height, int) and isinstance(width, int):
        return width, height
    if isinstance(width, int):
        return width, _free_side(size[1] * width / size[0], frame)
    if isinstance(height, int):
        return _free_side(size[0] * height / size[1], frame), height
    return size


def _free_side(side: float, frame: Frame) -> int:
    if side > frame.longest:
        raise ShapeMismatch(
            f"picture: expected at most {frame.longest} pixels along a free side, received one "
            f"that would have {side:.0f}"
        )
    return max(1, round(side))


def _in_8_bits(samples: Samples) -> Bytes:
    """Return the high bytes of 16-bit samples; 8-bit samples as they are, contiguous.

    High bytes are exact where 8 bits were widened to 16, elsewhere less than a grey level too dark.
    Rounding, as the encoders do, would change the response to the same request.
    """
    if samples.dtype == np.uint16:
        return (samples >> 8).astype(np.uint8)
    return np.ascontiguousarray(samples, np.uint8)
