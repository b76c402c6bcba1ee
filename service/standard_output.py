"""Standard output, with an OutputError where it cannot be written: closed, or its disk is full."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from service.errors import OutputError


def opened() -> TextIO:
    """Return standard output. Raises OutputError if it is closed."""
    if sys.stdout is None:  # `>&-`
        raise OutputError("standard output: expected an open file, received a closed one")
    return sys.stdout


def write(data: bytes | str) -> None:
    """Write bytes, or a line of text, to standard output, past every buffer.

    Raises:
        OutputError: if standard output is closed, or the write fails.
        BrokenPipeError: if its reader has gone.
    """
    stream = opened()
    with _failures():
        if isinstance(data, str):
            print(data, file=stream)
        else:
            stream.buffer.write(data)
        stream.flush()


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # What is still buffered goes nowhere, or Python's exit would fail to write it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise OutputError(
            f"standard output: expected to write to it, received: {error.strerror}"
        ) from error
