"""Colour spaces by the code points of ITU-T H.273, as HEIF and AVIF have them."""

from service.images.photograph import ColourChunks

UNSPECIFIED = 2
SRGB = (1, 13)
"""The primaries of BT.709, and the transfer of IEC 61966-2-1."""


def colour_of(primaries: int, transfer: int) -> ColourChunks:
    """Return the colour space of pixels in RGB; none where a code point is unspecified."""
    if UNSPECIFIED in (primaries, transfer) or max(primaries, transfer) > 255:
        return ColourChunks()
    if (primaries, transfer) == SRGB:
        return ColourChunks(is_srgb=True)
    return ColourChunks(bytes([primaries, transfer, 0, 1]))
