"""The segments of a JPEG file up to its first scan.

ITU-T T.81 | ISO/IEC 10918-1, annex B; JFIF 1.02 (ITU-T T.871).
"""

import re
import struct
from dataclasses import dataclass

from service.errors import MalformedBody

RST0, EOI, SOS, COM = 0xD0, 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP13, APP14 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""SOF markers; the three in between are DHT, JPG and DAC."""
ALONE = frozenset([0x01, *range(0xD0, 0xD9)])
"""Markers without a segment: TEM, RST0 to RST7, SOI."""
OF_PIXELS = {APP0: (b"JFIF\0", 14), APP14: (b"Adobe", 12)}
"""Application segments that say how colours are coded: how they begin, and their least bytes."""
MODES = {1: "L", 3: "RGB", 4: "CMYK"}
"""Pillow's modes by the number of components."""

MAX_SEGMENTS = 1 << 14
"""Segments before the first scan, and markers behind it; a file has some dozens."""
WINDOW = 1 << 16
"""Bytes that are searched at a time, from the end on."""
PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
"""SOF markers of frames with several scans of the same component."""

_RESTART_OR_SCAN = re.compile(rb"\xff[\xd0-\xd7\xda]")
_ANY_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""The next marker behind entropy-coded data: neither a stuffed byte, nor fill, nor a restart."""


@dataclass(frozen=True, slots=True)
class Segments:
    """A JPEG file.

    Attributes:
        size: (width, height) in pixels.
        mode: Pillow's mode of its components: L, RGB or CMYK.
        has_one_scan: Whether its first scan holds the whole image.
        head: The file up to its first scan, without the segments that hold only metadata.
        scans: The rest of the file.
        metadata: Marker and content of its application and comment segments.
    """

    size: tuple[int, int]
    mode: str
    has_one_scan: bool
    head: bytes
    scans: memoryview
    metadata: tuple[tuple[int, bytes], ...]


def scan(body: bytes | memoryview) -> Segments:
    """Return the segments of a JPEG file.

    A decoder gets `head` and `scans`: it refuses files for damaged metadata segments.

    Raises:
        MalformedBody: There is no frame header (SOF) before the first scan, or it is not one of 1,
            3 or 4 components of 8 bits.
    """
    view = memoryview(body)
    parts: list[memoryview | bytes] = [b"\xff\xd8"]
    metadata: list[tuple[int, bytes]] = []
    size, mode, frame, at = None, "", 0, 2
    for _ in range(MAX_SEGMENTS):
        at = _next_marker(view, at)
        marker = view[at - 1]
        if marker in ALONE:
            continue
        if marker == EOI or at + 2 > len(view):
            raise _malformed("a whole picture", "one without a scan")
        (length,) = struct.unpack_from(">H", view, at)
        content = view[at + 2 : at + length]
        if length < 2 or at + length > len(view):
            raise _malformed("a whole picture", "a truncated one")
        if marker in FRAMES and size is None:
            frame, (size, mode) = marker, _frame(content)
        if marker == COM or APP0 <= marker < APP0 + 16:
            metadata.append((marker, bytes(content)))
        if _is_of_pixels(marker, content):
            parts += [bytes([0xFF, marker]), view[at : at + length]]
        at += length
        if marker == SOS:
            break
    else:
        raise _malformed(f"at most {MAX_SEGMENTS} segments", "more")
    if size is None:
        raise _malformed("a whole picture", "one without a frame header")
    has_one_scan = frame not in PROGRESSIVE and MODES.get(content[0] if content else 0) == mode
    return Segments(size, mode, has_one_scan, b"".join(parts), view[at:], tuple(metadata))


def end_of_image(scans: memoryview) -> int | None:
    """Return where the EOI marker of the image begins, or None where the data end before it.

    Args:
        scans: A file from its first entropy-coded data on.
    """
    at = 0
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(scans, at)
        if found is None:
            return None
        at = found.start()
        if scans[at + 1] == EOI:
            return at
        at += 2
        if scans[at - 1] not in ALONE and at + 2 <= len(scans):  # a table, or another scan
            at += struct.unpack_from(">H", scans, at)[0]
    return None


def next_restart(scans: memoryview) -> bytes:
    """Return the restart marker that would follow the entropy-coded data (T.81, E.1.4).

    Args:
        scans: A file from its first entropy-coded data to the end of its last.
    """
    for end in range(len(scans), 0, -WINDOW):
        if markers := _RESTART_OR_SCAN.findall(scans[max(0, end - WINDOW - 1) : end]):
            last = markers[-1][1]
            return bytes([0xFF, RST0 if last == SOS else RST0 + (last + 1) % 8])
    return bytes([0xFF, RST0])


def _next_marker(view: memoryview, at: int) -> int:
    """Return where the segment of the next marker begins, behind any fill bytes and garbage."""
    found = _ANY_MARKER.search(view, at)
    if found is None:
        raise _malformed("a whole picture", "its start")
    return found.end()


def _is_of_pixels(marker: int, content: memoryview) -> bool:
    if marker == COM or APP0 <= marker < APP0 + 16:
        start, least = OF_PIXELS.get(marker, (b"", 1 << 16))
        return len(content) >= least and content[: len(start)] == start
    return True


def _frame(content: memoryview) -> tuple[tuple[int, int], str]:
    """Return the size and the mode of a frame header (T.81 B.2.2)."""
    if len(content) < 6:
        raise _malformed("a whole frame header", "one cut off")
    precision, height, width, components = struct.unpack_from(">BHHB", content)
    if precision != 8 or components not in MODES:
        raise _malformed("1, 3 or 4 components of 8 bits", f"{components} of {precision} bits")
    if not width or not height:
        raise _malformed("a pixel at least", f"{width}x{height}")
    return (width, height), MODES[components]


def _malformed(expected: str, received: str) -> MalformedBody:
    return MalformedBody(f"picture: expected {expected}, received {received}")
