"""JPEG files; one whose pixels end early is refused, or read as far as it goes."""

import numpy as np
from PIL import Image

from service.images import jpeg_metadata
from service.images.formats import JPEG, READ_ALL, Policy
from service.images.icc import in_srgb
from service.images.jpeg_segments import Segments, end_of_image, next_restart, scan
from service.images.photograph import EncodedImage, Samples
from service.images.pillow import PixelDecoder, Truncated, blocks_of, samples_of, split

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
MARK, ROWS = 0x5A, 64
"""The samples of rows that are not decoded yet, and how many rows are looked at a time."""


def open_jpeg(body: bytes | memoryview, policy: Policy = READ_ALL) -> EncodedImage:
    """Return the first picture of a JPEG file as decode.open_image() does. Raises MalformedBody.

    Behind the first picture, a phone may have stored others.
    """
    segments = scan(body)
    stored, is_cmyk = segments.metadata, segments.mode == "CMYK"
    warnings: list[str] = []

    def samples(orientation: int) -> tuple[Samples, Samples | None]:
        partial = warnings if policy.reads_truncated else None
        return split(_samples(segments, orientation, partial))

    return EncodedImage(
        JPEG,
        segments.size,
        segments.mode,
        1,
        samples,
        lambda: jpeg_metadata.exif(stored),
        lambda: jpeg_metadata.metadata(stored, is_cmyk=is_cmyk),
        warnings=warnings,
    )


def _samples(segments: Segments, orientation: int, warnings: list[str] | None) -> Samples:
    """Return the upright samples (height, width, 1 or 3); CMYK becomes sRGB.

    Args:
        segments: The file.
        orientation: The EXIF orientation, 1 to 8.
        warnings: Where to say how far a truncated file goes, None to refuse it.

    Raises:
        MalformedBody: The pixels are damaged or end early.
    """
    try:
        image = _decode(segments)
    except Truncated:
        if warnings is None:
            raise
        image, rows = _decode_partly(segments)
        far = "" if rows is None else f"; {_place(rows, segments.size[1], orientation)}"
        warnings.append(f"truncated{far}")
    if image.mode == "CMYK":
        icc = jpeg_metadata.profile(segments.metadata)
        image = (icc and in_srgb(image, icc)) or image.convert("RGB")  # as if inks were ideal
    return samples_of(image, orientation)


def _place(rows: int, height: int, orientation: int) -> str:
    """Return which part of the upright picture the first stored rows are."""
    what = "rows" if orientation <= 4 else "columns"
    edge = {3: " from below", 4: " from below", 6: " from the right", 7: " from the right"}
    return f"{what} {rows} of {height}{edge.get(orientation, '')}"


def _decode(segments: Segments) -> Image.Image:
    """Return the image as it is stored."""
    end = end_of_image(segments.scans)
    if end is None:  # a decoder may be done all the same, where garbage follows the data
        return _decode_before(len(segments.scans), segments, b"")
    image = _decode_before(end, segments, FILLER * PREFETCH)
    # Filler also stands in for up to three blocks, which are a large part of a small image.
    if end <= SMALL and image != _decode_before(end, segments, bytes(PREFETCH)):
        raise Truncated
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
        raise Truncated
    return image


def _decode_partly(segments: Segments) -> tuple[Image.Image, int | None]:
    """Return the image of a truncated file as it is stored, and how many of its rows are decoded.

    libjpeg makes up the others: gray, or as dark as the last block. The number is None for a file
    of several scans, which all are of the whole image.

    Raises:
        MalformedBody: Not even one row is there, or what is there is damaged.
    """
    end = end_of_image(segments.scans)
    data = segments.scans[: len(segments.scans) if end is None else end]
    mark = MARK if segments.mode == "L" else (MARK,) * len(segments.mode)
    image = Image.new(segments.mode, segments.size, mark)
    decoder = PixelDecoder("jpeg", image, LAYOUTS[segments.mode], "")
    rows = None
    try:
        is_done = any(decoder.feed(block) for block in blocks_of([segments.head, data]))
        if segments.has_one_scan:
            is_done = is_done or decoder.feed(FILLER * PREFETCH)
            rows = segments.size[1] if is_done else _decoded_rows(image)
        if rows == 0 or not (is_done or decoder.feed(END)):
            raise Truncated
    finally:
        decoder.close()
    return image, rows


def _decoded_rows(image: Image.Image) -> int:
    """Return how many rows there are up to the last one that is not all MARK."""
    for bottom in range(image.height, 0, -ROWS):
        top = max(0, bottom - ROWS)
        strip = np.asarray(image.crop((0, top, image.width, bottom)))
        changed = np.flatnonzero((strip != MARK).reshape(len(strip), -1).any(axis=1))
        if len(changed):
            return top + int(changed[-1]) + 1
    return 0


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
