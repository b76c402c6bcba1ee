"""Photoshop image resource blocks, which hold a picture's IPTC metadata and a thumbnail.

Adobe Photoshop File Formats Specification, "Image Resource Blocks".
"""

import struct
from collections.abc import Iterator

SIGNATURE = b"8BIM"
IPTC = 0x0404
THUMBNAILS = (0x0409, 0x040C)
"""Thumbnail resources of Photoshop 4 and 5, which show a picture as it was."""
MAX_BLOCKS = 1 << 14
"""Resource blocks that are read; Photoshop writes some dozens."""
IIM = b"\x1c"
"""How IPTC-IIM data begin that no resource block is around."""


def without_thumbnail(blocks: bytes) -> bytes | None:
    """Return resource blocks without thumbnails.

    Args:
        blocks: Resource blocks, or bare IPTC-IIM data, which become one. What follows the last
            whole block is left out.

    Returns:
        The blocks, None where none is left.
    """
    if blocks.startswith(IIM):
        return block(IPTC, blocks)
    return b"".join(kept for number, kept in _split(blocks) if number not in THUMBNAILS) or None


def has_iptc(blocks: bytes) -> bool:
    """Return whether there is IPTC metadata among resource blocks."""
    return any(number == IPTC for number, _ in _split(blocks))


def block(number: int, data: bytes) -> bytes:
    """Return a resource block without a name."""
    padding = bytes(len(data) % 2)
    return SIGNATURE + struct.pack(">HHI", number, 0, len(data)) + data + padding


def _split(blocks: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number of each resource, and its block."""
    at = 0
    for _ in range(MAX_BLOCKS):
        if not blocks.startswith(SIGNATURE, at) or at + 12 > len(blocks):
            return
        number, name = struct.unpack_from(">HB", blocks, at + 4)
        data = at + 6 + (name + 2) // 2 * 2  # the name is padded to an even length
        if data + 4 > len(blocks):
            return
        (size,) = struct.unpack_from(">I", blocks, data)
        end = data + 4 + size
        if end > len(blocks):
            return
        yield number, blocks[at:end] + bytes(size % 2)
        at = end + size % 2
