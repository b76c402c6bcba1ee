"""JPEG files, refused where their pixels end early."""

from PIL import Image

from service.images import jpeg_metadata
from service.images.icc import in_srgb
from service.images.jpeg_segments import Segments, end_of_image, next_restart, scan
from service.images.photograph import JPEG, EncodedImage, Samples
from service.images.pillow import PixelDecoder, blocks_of, samples_of, split, truncated

LAYOUTS = {"L": "L", "RGB": "RGB", "CMYK": "CMYK;I"}
"""Pillow's raw modes; CMYK is stored inverted, as Adobe does."""
FILLER = b"\xff\x00"
"""A byte of ones within entropy-coded data: no Huffman code is all ones (T.81 C.2)."""
PREFETCH = 8
"""Bytes that libjpeg wants to see beyond the end of the last block."""
SMALL = 4096
"""Bytes of scans that are decoded twice."""
PROBES = 4
"""Bytes of filler that are given one by one: each block needs two at least, or waits for one."""
END = b"\xff\xd9"


def open_jpeg(body: bytes | memoryview) -> EncodedImage:
    """Return the first picture of a JPEG file as decode.open_image() does. Raises MalformedBody.

    Behind the first picture, a phone may have stored others.
    """
    segments = scan(body)
    stored, is_cmyk = segments.metadata, segments.mode == "CMYK"
    return EncodedImage(
        JPEG,
        segments.size,
        segments.mode,
        1,
        lambda orientation: split(_samples(segments, orientation)),
        lambda: jpeg_metadata.exif(stored),
        lambda: jpeg_metadata.metadata(stored, is_cmyk=is_cmyk),
    )


def _samples(segments: Segments, orientation: int) -> Samples:
    """Return the upright samples (height, width, 1 or 3); CMYK becomes sRGB.

    Args:
        segments: The file.
        orientation: The EXIF orientation, 1 to 8.

    Raises:
        MalformedBody: The pixels are damaged or end early.
    """
    image = _decode(segments)
    if image.mode == "CMYK":
        icc = jpeg_metadata.profile(segments.metadata)
        image = (icc and in_srgb(image, icc)) or image.convert("RGB")  # as if inks were ideal
    return samples_of(image, orientation)


def _decode(segments: Segments) -> Image.Image:
    """Return the image as it is stored."""
    end = end_of_image(segments.scans)
    if end is None:  # a decoder may be done all the same, where garbage follows the data
        return _decode_before(len(segments.scans), segments, b"")
    image = _decode_before(end, segments, FILLER * PREFETCH)
    # Filler also stands in for up to three blocks, which are a large part of a small image.
    if end <= SMALL and image != _decode_before(end, segments, bytes(PREFETCH)):
        raise truncated()
    return image


def _decode_before(end: int, segments: Segments, filler: bytes) -> Image.Image:
    """Return the image of what stands before the marker that ends it, followed by filler.

    Where the data of a scan end at a marker, libjpeg makes the rest up. So that marker is held back
    until the decoder has used all that stands before it.
    """
    image = Image.new(segments.mode, segments.size)
    decoder = PixelDecoder("jpeg", image, LAYOUTS[segments.mode], "")
    try:
        data = blocks_of([segments.head, segments.scans[:end], filler])
        is_complete = any(decoder.feed(block) for block in data) or (
            bool(filler)
            and not segments.has_one_scan
            and not _is_within_a_scan(decoder, next_restart(segments.scans[:end]))
            and decoder.feed(END)
        )
    finally:
        decoder.close()
    if not is_complete:
        raise truncated()
    return image


def _is_within_a_scan(decoder: PixelDecoder, restart: bytes) -> bool:
    """Return whether a decoder expects more entropy-coded data.

    Between scans it skips filler. Within one it waits until there is more than a byte, and where a
    restart marker is due, it does so behind that.
    """
    for probe in [b"", *[FILLER] * PROBES, restart + FILLER]:
        decoder.feed(probe)
        if decoder.pending > 1:
            return True
    return False
