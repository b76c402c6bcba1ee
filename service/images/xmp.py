"""XMP packets as they apply to a picture that is made upright, without what was appended to it.

XMP Specification part 1 (ISO 16684-1); Google's "Motion Photo", "Dynamic Depth" and "Ultra HDR
Image" formats and Adobe's gain map for files that follow the first picture.
"""

import re
from typing import Any
from xml.parsers import expat

APPENDED = (
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/1.0/depthmap/",
    "http://ns.google.com/photos/1.0/image/",
    "http://ns.google.com/photos/1.0/audio/",
    "http://ns.google.com/photos/dd/1.0/",
    "http://ns.adobe.com/hdr-gain-map/",
    "http://ns.apple.com/HDRGainMap/",
    "http://ns.apple.com/pixeldatainfo/",
    "http://ns.adobe.com/xmp/note/",
)
"""Namespaces of properties that describe pictures, videos or XMP behind the first picture."""
CAMERA = "http://ns.google.com/photos/1.0/camera/"
OF_VIDEOS = ("MotionPhoto", "MicroVideo")
"""How the properties of that namespace begin that describe an appended video."""

_TAG = re.compile(rb"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_ATTRIBUTE = re.compile(rb"\s+([^\s=\"'<>/]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
_ORIENTATION = re.compile(rb"(tiff:Orientation(?:\s*=\s*[\"']|>))[1-8]")
_WIDTH, _HEIGHT = (
    re.compile(rb"((?:tiff:Image%b|exif:Pixel%bDimension)(?:\s*=\s*[\"']|>)\s*)[0-9]+" % names)
    for names in ((b"Width", b"X"), (b"Length", b"Y"))
)
_SUSPECT = re.compile("|".join(map(re.escape, (*APPENDED, CAMERA))).encode())


def made_upright(xmp: bytes) -> bytes:
    """Return an XMP packet with tiff:Orientation, where it is present, set to 1."""
    return _ORIENTATION.sub(rb"\g<1>1", xmp)


def resized(xmp: bytes, width: int, height: int) -> bytes:
    """Return an XMP packet with other widths and heights, in pixels, where it has some."""
    xmp = _WIDTH.sub(rb"\g<1>%d" % width, xmp)
    return _HEIGHT.sub(rb"\g<1>%d" % height, xmp)


def without_appended(xmp: bytes) -> bytes | None:
    """Return an XMP packet without the properties that describe appended files.

    All else stays byte for byte.

    Returns:
        The packet, or None where it has such properties and is not well-formed UTF-8, or where its
        root is one of them.
    """
    if not _SUSPECT.search(xmp):
        return xmp
    try:
        return _Editor(xmp).edited()
    except (expat.ExpatError, UnicodeDecodeError, ValueError):
        return None


class _Editor:
    """Finds the spans of a packet that are to be cut out, in one parse."""

    def __init__(self, xmp: bytes) -> None:
        self._xmp = xmp
        self._cuts: list[tuple[int, int]] = []
        self._declarations: list[tuple[tuple[int, int], str, str]] = []
        """Span, prefix and namespace of the declarations that are cut out unless they are used."""
        self._used: set[tuple[str, str]] = set()
        self._depth = 0
        self._cut_from: tuple[int, int] | None = None
        """Offset and depth of the element that is being cut out."""
        self._parser = parser = expat.ParserCreate("UTF-8", " ")
        parser.namespace_prefixes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse

    def edited(self) -> bytes:
        text = self._xmp.rstrip(b"\0")
        text.decode()
        self._parser.Parse(text, True)
        self._cuts += [span for span, *name in self._declarations if tuple(name) not in self._used]
        parts, at = [], 0
        for start, end in sorted(self._cuts):
            parts.append(self._xmp[at:start])
            at = max(at, end)
        return b"".join([*parts, self._xmp[at:]])

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._cut_from is not None:
            return
        at = self._parser.CurrentByteIndex
        if _is_appended(name):
            if self._depth == 1:
                raise ValueError("XMP: expected properties of a picture, received none")
            self._cut_from = at, self._depth
            return
        cut = set()
        for each in (name, *attributes):
            namespace, local, prefix = (*each.split(" "), "", "")[:3]
            if _is_appended(each):
                cut.add(f"{prefix}:{local}")
            else:
                self._used.add((prefix, namespace))
        for found in _ATTRIBUTE.finditer(self._xmp, at, self._tag_end(at)):
            attribute, value = found[1].decode(), found[2][1:-1].decode()
            if attribute in cut:
                self._cuts.append(found.span())
            elif attribute.startswith("xmlns:") and value.startswith((*APPENDED, CAMERA)):
                self._declarations.append((found.span(), attribute[6:], value))

    def _end(self, _: str) -> None:
        if self._cut_from is not None and self._cut_from[1] == self._depth:
            start = self._cut_from[0]
            end = self._tag_end(start)
            if self._xmp[end - 2 : end] != b"/>":
                end = self._tag_end(self._parser.CurrentByteIndex)
            self._cuts.append((start, end))
            self._cut_from = None
        self._depth -= 1

    def _refuse(self, *_: Any) -> None:
        raise ValueError("XMP: expected no document type declaration")

    def _tag_end(self, at: int) -> int:
        found = _TAG.match(self._xmp, at)
        if found is None:
            raise ValueError(f"XMP: expected a tag at {at}")
        return found.end()


def _is_appended(name: str) -> bool:
    """Return whether a property, as `namespace local prefix`, describes an appended file."""
    namespace, _, local = name.partition(" ")
    return namespace.startswith(APPENDED) or (namespace == CAMERA and local.startswith(OF_VIDEOS))
