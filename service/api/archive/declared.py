"""The pixels that a photograph among several declares, by as little of its file as says it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from service.api.archive.source import Source
from service.api.body import Body
from service.api.codecs.codec import Codec
from service.errors import DeadlineExceeded, MalformedBody, ServiceError
from service.images.decode import HEAD, recognised
from service.images.formats import TIFF

FIRST, STEP = 64 * 1024, 8
"""Bytes of a file that are read at first, and how many times as many are read next: those of eight
zeros in a zip of a megabyte may be more than a gigabyte."""


class FileCodec(Codec, Protocol):
    """A codec that takes the files of a body."""

    files: Sequence[Body]


def declared_pixels(
    source: Source, codec_of: Callable[[], FileCodec], is_late: Callable[[], bool]
) -> int:
    """Return the pixels that a photograph declares, 0 where it cannot be opened.

    Args:
        source: Its file.
        codec_of: Makes its codec.
        is_late: Whether to give up.

    Raises:
        DeadlineExceeded: It is late.
    """
    most: int | None = FIRST
    while True:
        if is_late():
            raise DeadlineExceeded("timeout: expected all photographs to be opened, received more")
        try:
            content = source.read(most)
        except ServiceError:
            return 0
        is_whole = most is None or len(content) != most
        if not is_whole and recognised(bytes(content[:HEAD])) == TIFF:
            most = None  # its start may be that of a thumbnail, with the photograph behind it
            continue
        try:
            codec = codec_of()
            codec.files = [content]
            return codec.declared(content).pixels if codec.declared else 0
        except MalformedBody:
            if is_whole or most is None:
                return 0
            most *= STEP
        except ServiceError:
            return 0
