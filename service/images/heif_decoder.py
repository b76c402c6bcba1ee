"""HEIC files: the primary picture, of 8 bits or, where it has more, of 16.

HEIF (ISO/IEC 23008-12). libheif turns the picture as `irot` and `imir` say; EXIF's orientation does
not turn it (annex A.2.1). Depth maps, gain maps, bursts and films beside the picture are left out.
"""

import functools
import importlib
import io
from typing import Any

import numpy as np

from service.cpus import usable_cpus
from service.errors import MalformedBody, UnsupportedMediaType
from service.images.code_points import colour_of
from service.images.formats import HEIC, READ_ALL, Policy
from service.images.isobmff import coded_pixels
from service.images.photograph import ColourChunks, EncodedImage, Metadata, Samples
from service.images.pillow import STRIP, blocks, split
from service.images.premultiplied import divide

MOST_THREADS = 4
"""Threads that decode the tiles of one picture."""
BRANDS_OF_FILMS = (b"hevc", b"hevx", b"hevm", b"hevs", b"msf1")
"""Major brands of image sequences."""


@functools.cache
def library() -> Any:
    """Return the installed library, the one that also writes before the one that only reads."""
    for name in ("pillow_heif", "pi_heif"):
        try:
            found = importlib.import_module(name)
        except ImportError:
            continue
        found.options.THUMBNAILS = found.options.DEPTH_IMAGES = found.options.AUX_IMAGES = False
        found.options.DECODE_THREADS = min(usable_cpus(), MOST_THREADS)
        return found
    raise ImportError("expected pi-heif-decoder or pillow-heif to be installed")


def open_heif(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return a HEIC file as decode.open_image() does.

    Raises:
        UnsupportedMediaType: The picture is coded by another codec than HEVC.
        MalformedBody: It is not valid.
    """
    image = _primary(body)
    info, size = image.info, image.size

    def samples(_: int) -> tuple[Samples, Samples | None]:
        values = np.asarray(image)
        if values.shape[1::-1] != size:  # of which the memory was bounded
            raise MalformedBody("picture: expected the size of its header, received another")
        values = values.reshape(*values.shape[:2], -1)
        mode, _, depth = image.mode.partition(";")
        if depth:
            values = _over_full_range(values, info["bit_depth"])
        pixels, alpha = split(values)
        if mode.endswith("a") and alpha is not None:
            pixels = pixels.copy()
            divide(pixels, alpha)
        return pixels, alpha

    def metadata() -> Metadata:
        nclx = info.get("nclx_profile")
        colour = ColourChunks()
        if nclx:
            colour = colour_of(nclx["color_primaries"], nclx["transfer_characteristics"])
        return Metadata(
            icc=info.get("icc_profile"), colour=colour, exif=info["exif"], xmp=info.get("xmp")
        )

    return EncodedImage(
        HEIC,
        size,
        image.mode.partition(";")[0].upper(),
        1 if bytes(body[8:12]) not in BRANDS_OF_FILMS else 2,
        samples,
        lambda: info["exif"],
        metadata,
        is_upright=True,
        decoded=coded_pixels(memoryview(body)),
    )


def _primary(body: bytes | memoryview) -> Any:
    """Return the primary picture, not decoded."""
    try:
        file = library().open_heif(io.BytesIO(body), convert_hdr_to_8bit=False)
    except (ValueError, RuntimeError) as error:
        if "nsupported" not in str(error):
            raise
        file = ()
    if not file:  # libheif leaves out what it cannot decode
        raise UnsupportedMediaType(
            "picture: expected HEIC coded by HEVC, received one of another codec, or without any"
        )
    return file[file.primary_index]


def _over_full_range(values: Samples, bits: int) -> Samples:
    """Return samples whose low bits repeat the high ones, so that white is 65535."""
    scaled = np.empty(values.shape, np.uint16)
    height, width, bands = values.shape
    for part in blocks(height, width, 2 * bands, STRIP):
        scaled[part] = values[part] | values[part] >> bits
    return scaled
