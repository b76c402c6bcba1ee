"""The program that decodes one JPEG 2000 file: from standard input, to samples on standard output.

It imports nothing of the service, and of Pillow only its decoders: it starts in 25 ms, not in 55.
"""

import io
import os
import signal
import sys
from collections.abc import Callable, Iterable

DAMAGED = 65
"""The exit status for a file that cannot be decoded (EX_DATAERR of sysexits.h)."""
PR_SET_PDEATHSIG = 1
"""Which signal the kernel sends once the parent has ended (prctl(2))."""


def pillow(body: bytes, mode: str, codec: str, width: str, height: str) -> Iterable[bytes]:
    """Return the samples that Pillow decodes, as Image.tobytes() has them, in parts.

    Args:
        body: The file.
        mode: Of the picture, as Pillow's Jpeg2KImageFile says.
        codec: `jp2` or `j2k`, as it says, too.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.

    Raises:
        ValueError: The file is damaged.
    """
    from PIL import _imaging as core

    size = int(width), int(height)
    image = core.new(mode, size)
    decoder = core.jpeg2k_decoder(mode, codec, 0, 0, -1, len(body))
    decoder.setimage(image, (0, 0, *size))
    decoder.setfd(io.BytesIO(body))
    if decoder.decode(b"")[1] < 0:
        raise ValueError("expected a whole file, received a damaged one")
    encoder = core.raw_encoder(mode, mode, 0, 1)
    encoder.setimage(image, (0, 0, *size))

    def parts() -> Iterable[bytes]:
        is_last = 0
        while not is_last:
            _, is_last, part = encoder.encode(max(1 << 16, 4 * size[0]))  # a row, at least
            yield part

    return parts()


def openjpeg(body: bytes) -> Iterable[memoryview]:
    """Return the samples that OpenJPEG decodes, of 16 bits, low byte first.

    Args:
        body: The bare codestream.

    Raises:
        RuntimeError: It is damaged.
    """
    from openjpeg.utils import decode

    return [decode(body, 0, reshape=False).data]


DECODERS: dict[str, Callable[..., Iterable[bytes | memoryview]]] = {
    "pillow": pillow,
    "openjpeg": openjpeg,
}


def main(seconds: str, length: str, decoder: str, *arguments: str) -> int:
    """Decode a file.

    Args:
        seconds: After which to end, where a parent that was killed cannot see to that.
        length: Bytes of the file.
        decoder: One of DECODERS.
        arguments: What else it takes.

    Returns:
        The exit status: 0, or DAMAGED.
    """
    _end_with_parent(float(seconds))
    body = sys.stdin.buffer.read(int(length))
    if len(body) < int(length):  # the parent has ended
        return DAMAGED
    try:
        for part in DECODERS[decoder](body, *arguments):
            rest = memoryview(part)
            while rest:
                rest = rest[os.write(1, rest) :]
    except (OSError, RuntimeError, ValueError):
        return DAMAGED
    return 0


def _end_with_parent(seconds: float) -> None:
    """End when the parent does, not when a signal is sent to the whole service."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
