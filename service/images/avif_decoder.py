"""AVIF files, in 8 bits: the decoder that Pillow brings keeps no more of 10 and 12.

AV1 Image File Format 1.2; MIAF (ISO/IEC 23000-22), 7.3.9, by which only `irot` and `imir` turn the
picture, and EXIF's orientation does not.
"""

from typing import Any

import numpy as np

from service.cpus import usable_cpus
from service.errors import MalformedBody
from service.images.code_points import colour_of
from service.images.formats import AVIF, READ_ALL, Policy
from service.images.isobmff import coded_pixels, primary_properties
from service.images.photograph import ColourChunks, EncodedImage, Metadata, Samples
from service.images.pillow import STRIP, as_stored, blocks, room, split

BANDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def open_avif(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return an AVIF file as decode.open_image() does. Raises MalformedBody."""
    from PIL import _avif

    threads = usable_cpus()
    decoder: Any = _avif.AvifDecoder(bytes(body), "auto", threads)
    size, frames, mode, icc, exif, orientation, xmp = decoder.get_info()

    def samples(_: int) -> tuple[Samples, Samples | None]:
        data = decoder.get_frame(0)[0]
        stored = np.frombuffer(data, np.uint8)
        if stored.size != size[0] * size[1] * BANDS[mode]:
            raise MalformedBody("picture: expected the size of its header, received another")
        stored = stored.reshape(size[1], size[0], BANDS[mode])
        values: Samples = room(size, orientation, BANDS[mode], np.uint8)
        into = as_stored(values, orientation)
        for part in blocks(size[1], size[0], BANDS[mode], STRIP):
            into[part] = stored[part]
        return split(values)

    return EncodedImage(
        AVIF,
        size,
        mode,
        frames,
        samples,
        lambda: exif,
        lambda: Metadata(
            icc=icc, colour=ColourChunks() if icc else colour(body), exif=exif, xmp=xmp
        ),
        is_upright=True,
        decoded=coded_pixels(memoryview(body)),
    )


def colour(body: bytes | memoryview) -> ColourChunks:
    """Return the colour space that code points of H.273 name in a file, which counts without ICC.

    The matrix of what is stored is undone by the decoder: the pixels are RGB.
    """
    for name, data in primary_properties(memoryview(body)):
        if name == b"colr" and bytes(data[:4]) == b"nclx" and len(data) >= 11:
            return colour_of(int.from_bytes(data[4:6], "big"), int.from_bytes(data[6:8], "big"))
    return ColourChunks()
