"""Raw files of cameras, developed by LibRaw to 16 bits of sRGB, with the camera's white balance."""

import io
from typing import Any

from service.errors import BodyTooLarge, MalformedBody
from service.images import exif
from service.images.formats import RAW, READ_ALL, Policy
from service.images.photograph import EncodedImage, Metadata, Samples
from service.images.pillow import split
from service.images.tiff_directory import BYTE_ORDERS, Tiff
from service.images.tiff_metadata import exif_of

SRGB_CURVE = (2.4, 12.92)
"""Power and slope of the line before it, as LibRaw takes them."""
CLASSIC = (b"II*\0", b"MM\0*")


def open_raw(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return a raw file as decode.open_image() does. Raises MalformedBody."""
    import rawpy

    file: Any = rawpy.RawPy()
    try:
        file.open_buffer(io.BytesIO(body))
        sizes = file.sizes
    except rawpy.LibRawError as error:
        raise MalformedBody(f"picture: expected a whole raw file, received: {error}") from error
    size = sizes.width, sizes.height

    def samples(_: int) -> tuple[Samples, Samples | None]:
        try:
            pixels = file.postprocess(
                use_camera_wb=True,
                output_bps=16,
                output_color=rawpy.ColorSpace.sRGB,
                gamma=SRGB_CURVE,
            )
        except rawpy.LibRawError as error:
            raise MalformedBody(f"picture: expected a whole raw file, received: {error}") from error
        finally:
            file.close()
        if pixels.shape[0] * pixels.shape[1] > 2 * size[0] * size[1]:
            raise BodyTooLarge("picture: expected the size of its header, received another")
        return split(pixels)  # of one band where the sensor sees no colours

    return EncodedImage(
        RAW,
        size,
        "RGB",
        1,
        samples,
        lambda: _exif(body),
        lambda: Metadata(exif=_exif(body)),
        is_upright=True,
        decoded=sizes.raw_width * sizes.raw_height,
    )


def _exif(body: bytes | memoryview) -> bytes | None:
    """Return the EXIF data of a raw file that is a TIFF, None for the others."""
    if bytes(body[:4]) not in CLASSIC or bytes(body[:2]) not in BYTE_ORDERS:
        return None
    file = Tiff(body)
    entries, _ = file.directory(file.start)
    return exif_of(file, entries, exif.UPRIGHT)
