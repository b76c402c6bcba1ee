"""Each JPEG 2000 file is decoded in a process of its own, which ends with it.

The decoders hold Python's global interpreter lock while they decode: in the service's own process,
no other request would be answered for seconds. A file that crashes a decoder, or never ends, takes
down its own process alone. Figures: docs/decisions/2026-11-29-processes-for-jpeg-2000.md.
"""

import contextlib
import functools
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Literal

from service.cpus import usable_cpus
from service.errors import MalformedBody, ServiceError
from service.images import jp2_child
from service.images.jp2_codestream import damaged
from service.images.pillow import STRIP, blocks

SECONDS, SECONDS_OF_MEGAPIXEL = 30, 15
"""How long decoding may take: over twenty times as long as on a processor that nobody else uses."""
CRASHES = ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV")
"""The signals that a file can cause; others come from the system, SIGKILL where memory is short."""

Parts = Generator[tuple[slice, slice, bytes], None, None]
"""Rows and columns of the parts of a picture, and their samples."""

log = logging.getLogger(__name__)

_running: set[subprocess.Popen[bytes]] = set()


def decoded(
    decoder: Literal["pillow", "openjpeg"],
    file: bytes | memoryview,
    size: tuple[int, int],
    pixel: int,
    *arguments: str,
) -> Parts:
    """Yield the parts of a picture; close() ends the process early.

    Args:
        decoder: One of jp2_child's.
        file: The file as this decoder takes it.
        size: (width, height) in pixels.
        pixel: Bytes of a pixel as this decoder returns it.
        arguments: What else it takes.

    Raises:
        MalformedBody: The file is damaged, crashes the decoder, or takes it too long.
        ServiceError: The process cannot start, or was killed, as it is where memory is short.
    """
    width, height = size
    seconds = SECONDS + SECONDS_OF_MEGAPIXEL * width * height / 1e6
    command = (str(2 * seconds), str(len(file)), decoder, *arguments)
    is_late = threading.Event()
    with _slots(), _started(command) as process:
        assert process.stdin
        assert process.stdout

        def stop() -> None:
            is_late.set()
            process.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        _running.add(process)
        try:
            with contextlib.suppress(BrokenPipeError), process.stdin as stream:
                stream.write(file)
            for rows, columns in blocks(height, width, pixel, STRIP):
                expected = (rows.stop - rows.start) * (columns.stop - columns.start) * pixel
                part = process.stdout.read(expected)
                if len(part) < expected:
                    raise _fault(process.wait(), seconds if is_late.is_set() else None)
                yield rows, columns, part
        except BaseException:  # also where the rest of the picture is not wanted
            process.kill()
            raise
        finally:
            timer.cancel()
            _running.discard(process)


def end() -> None:
    """End the processes whose requests are no longer answered, when the service stops."""
    for process in tuple(_running):
        process.kill()


@functools.cache
def _slots() -> threading.BoundedSemaphore:
    """Return what bounds the processes at a time: each takes up to 27 bytes of memory a pixel."""
    return threading.BoundedSemaphore(usable_cpus())


def _started(arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    # By its path, as it needs nothing of this package; -P keeps its folder out of sys.path.
    command = [sys.executable, "-P", str(Path(jp2_child.__file__)), *arguments]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError as error:
        raise ServiceError(
            f"picture: expected a process for JPEG 2000 to start, received: {error}"
        ) from error


def _fault(status: int, seconds: float | None) -> ServiceError:
    """Return why a process has written too little.

    Args:
        status: How it ended: an exit status, or less than 0 for a signal.
        seconds: How long it had, if it was stopped after them.
    """
    if seconds is not None:
        return MalformedBody(
            f"picture: expected JPEG 2000 that takes at most {seconds:.1f} s to decode, "
            "received one that takes longer"
        )
    if status in (0, jp2_child.DAMAGED):
        return damaged()
    cause = signal.Signals(-status).name if status < 0 else f"status {status}"
    if cause in CRASHES:
        log.warning("a JPEG 2000 file crashed its decoder: %s", cause)
        return damaged()
    return ServiceError(f"picture: expected its decoder to end by itself, received {cause}")
