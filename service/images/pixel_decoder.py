"""Decode streams of compressed pixels with Pillow's decoders, a block at a time.

Pillow's own readers of PNG and JPEG refuse a file for damaged metadata and accept one whose pixels
end early. These functions use only the decoders below them.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from PIL import Image
from PIL import _imaging as core

from service.errors import MalformedBody

BLOCK = 1 << 16
"""Bytes that a decoder gets at a time."""


class PixelDecoder:
    """A decoder that fills an image from a stream of blocks."""

    def __init__(self, name: str, image: Image.Image, *args: object) -> None:
        """Start to decode.

        Args:
            name: `zip` for a PNG's zlib stream, `jpeg` for a whole JPEG file.
            image: Where the pixels go.
            args: The raw mode, and what else the decoder takes.
        """
        self._decoder: Any = getattr(core, f"{name}_decoder")(image.mode, *args)
        self._decoder.setimage(image.im, (0, 0, *image.size))
        self._pending = b""

    def feed(self, block: bytes) -> bool:
        """Decode a block and return whether the image is complete.

        Raises:
            MalformedBody: The stream is damaged.
        """
        data = self._pending + block
        consumed, error = self._decoder.decode(data)
        if consumed < 0:
            if error:
                raise MalformedBody("picture: expected a whole picture, received a damaged one")
            return True
        self._pending = data[consumed:]
        return False

    @property
    def pending(self) -> int:
        """Bytes that the decoder was given and cannot use before it has more."""
        return len(self._pending)

    def close(self) -> None:
        """Free the decoder's memory."""
        self._decoder.cleanup()


def truncated() -> MalformedBody:
    """Return the error for pixels that end early."""
    return MalformedBody("picture: expected a whole picture, received a truncated one")


def blocks_of(parts: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Yield parts of memory in blocks of at most BLOCK bytes."""
    for part in parts:
        for at in range(0, len(part), BLOCK):
            yield bytes(part[at : at + BLOCK])
