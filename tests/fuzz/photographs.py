"""What holds for every image file: it is refused as documented, or read, written and read again."""

import zlib

from service.errors import BodyTooLarge, MalformedBody, ServiceError, UnsupportedMediaType
from service.images.decode import decode, open_image
from service.images.encode import writable, write
from service.images.formats import RAW, READ_ALL, Policy
from service.images.photograph import EncodedImage, Photograph
from tests.fuzz.target import Fault

MOST_PIXELS = 1 << 13
"""Pixels of a picture: more take time, and find nothing else."""
REFUSED = (BodyTooLarge, MalformedBody, UnsupportedMediaType)
WRITTEN = 4
"""One of so many whole files is written, as that takes longer than to read it."""
FAST = ("image/png", "image/jpeg", "image/tiff", "image/webp")
"""Formats that are written in a millisecond."""


def run(data: bytes) -> None:
    """Read a file; where it is whole, write it in one of the formats that can hold it."""
    is_read(data)


def is_read(data: bytes, policy: Policy = READ_ALL) -> bool:
    """Do what run() does; return whether the file is read."""
    try:
        image = open_image(data, MOST_PIXELS, policy)
    except REFUSED:
        return False
    photograph = _photograph(image)
    if photograph is None:
        return False
    check(image, photograph)
    number = zlib.crc32(data)
    if number % WRITTEN == 0:
        possible = [each for each in writable(photograph) if each in FAST]
        written(photograph, possible[number // WRITTEN % len(possible)])
    return True


def written(photograph: Photograph, media_type: str) -> None:
    """Write a photograph and read it again, by the size."""
    file = write(photograph, media_type)
    again = decode(open_image(file))
    if again.pixels.shape[:2] != photograph.pixels.shape[:2]:
        raise Fault(
            f"{media_type}: expected {photograph.pixels.shape}, received {again.pixels.shape}"
        )


def check(image: EncodedImage, photograph: Photograph) -> None:
    """Check that a photograph has the size of its file, and alpha that fits it."""
    pixels, alpha = photograph.pixels, photograph.alpha
    # The pixels of some sensors are turned by half a right angle, for which the frame grows.
    has_size = image.media_type == RAW or sorted(pixels.shape[:2]) == sorted(image.size)
    if not has_size or pixels.shape[2:] not in ((), (3,)) or pixels.dtype.kind != "u":
        raise Fault(f"expected {image.size}, received {pixels.shape} {pixels.dtype}")
    if alpha is not None and (alpha.shape != pixels.shape[:2] or alpha.dtype != pixels.dtype):
        raise Fault(f"expected alpha as {pixels.shape} {pixels.dtype}, received {alpha.shape}")


def _photograph(image: EncodedImage) -> Photograph | None:
    """Return the photograph, None where its pixels are damaged.

    Raises:
        Fault: It is refused though its pixels are whole: damaged metadata are left out.
    """
    try:
        return decode(image)
    except ServiceError as error:
        if not 400 <= error.status < 500:
            raise
        refusal = error
    try:
        image.samples(1)
    except Exception:  # noqa: BLE001 - decoders fail in many ways
        return None
    raise Fault("expected a photograph without its damaged metadata, received none") from refusal
