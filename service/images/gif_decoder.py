"""GIF files of one frame.

GIF89a Specification, sections 18 to 24. What is not of the frame is cut out before Pillow reads the
rest: it takes the square of a comment's length. No metadata are read.
"""

import io
import struct

from PIL import Image

from service.errors import MalformedBody
from service.images.formats import GIF, READ_ALL, Policy
from service.images.photograph import EncodedImage, Metadata, Samples
from service.images.pillow import samples_of, split

IMAGE, EXTENSION, TRAILER, GRAPHIC_CONTROL = 0x2C, 0x21, 0x3B, 0xF9
MAX_BLOCKS = 1 << 20
"""Blocks of 255 bytes at most."""


def open_gif(body: bytes | memoryview, _policy: Policy = READ_ALL) -> EncodedImage:
    """Return a GIF file as decode.open_image() does. Raises MalformedBody."""
    view = memoryview(body)
    if len(view) < 13:
        raise _damaged()
    size: tuple[int, int] = struct.unpack_from("<HH", view, 6)
    if 0 in size:
        raise MalformedBody(f"picture: expected a pixel at least, received {size[0]}x{size[1]}")
    parts, frames = _parts(view)

    def samples(orientation: int) -> tuple[Samples, Samples | None]:
        from PIL.GifImagePlugin import GifImageFile

        image: Image.Image = GifImageFile(io.BytesIO(b"".join(parts)))
        if image.size != size:  # of which the memory was bounded
            raise MalformedBody("picture: expected the size of its header, received another")
        image.load()
        if image.mode != "L":
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        return split(samples_of(image, orientation))

    return EncodedImage(GIF, size, "P", frames, samples, lambda: None, Metadata)


def _parts(view: memoryview) -> tuple[list[memoryview | bytes], int]:
    """Return the parts of a file that the first frame needs, and the number of frames, up to 2."""
    at = 13 + _palette(view[10])
    parts: list[memoryview | bytes] = [view[:at]]
    control: memoryview | bytes = b""
    left, frames = MAX_BLOCKS, 0
    while at < len(view) and view[at] != TRAILER and frames < 2:
        start = at
        if view[at] == EXTENSION and at + 2 < len(view):
            is_control = view[at + 1] == GRAPHIC_CONTROL
            at, left = _behind(view, at + 2, left)
            if is_control:
                control = view[start:at]
            continue
        if view[at] != IMAGE or at + 10 >= len(view):
            break
        frames += 1
        x, y, width, height, flags = struct.unpack_from("<HHHHB", view, at + 1)
        if x + width > view[6] + 256 * view[7] or y + height > view[8] + 256 * view[9]:
            raise MalformedBody("picture: expected a frame within the picture, received another")
        at, left = _behind(view, at + 11 + _palette(flags), left)
        if frames == 1:
            parts += [control, view[start:at], bytes([TRAILER])]
    if not frames:
        raise _damaged()
    return parts, frames


def _palette(flags: int) -> int:
    """Return the bytes of a palette that follows."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _behind(view: memoryview, at: int, left: int) -> tuple[int, int]:
    """Return where a chain of blocks ends, and how many more blocks may follow."""
    while at < len(view) and left:
        size, left = view[at], left - 1
        at += 1 + size
        if size == 0:
            return at, left
    raise _damaged()


def _damaged() -> MalformedBody:
    return MalformedBody("picture: expected a whole picture, received a truncated or damaged one")
