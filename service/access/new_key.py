"""python -m service keys new NAME: make an API key, print it once, store its hash."""

import argparse
import contextlib
import errno
import functools
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from service import standard_output
from service.access.allowance import Allowance, number_of
from service.access.entry import create, named, scopes_of
from service.access.identity import INFER, SCOPES, ScopeName
from service.access.key_file import append
from service.errors import OutputError

SUMMARY = (
    "make an API key: print it, and append its hash to a file; without a file, print the line that "
    "the file would have"
)
DAY = 24 * 3600

T = TypeVar("T")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `keys new` to a parser, but for the file."""
    parser.add_argument("name", metavar="NAME", type=said(named), help="whose key it is")
    parser.add_argument(
        "--scopes",
        type=said(_scopes),
        default=frozenset({INFER}),
        help=f"what it may do, by commas: {', '.join(SCOPES)} (default {INFER})",
    )
    parser.add_argument("--days", type=said(_days), default=math.inf, help="when it expires")
    parser.add_argument(
        "--requests-per-minute",
        metavar="N",
        type=said(functools.partial(number_of, "requests-per-minute")),
        help="requests that it may send; 0 for any number (default: as the settings say)",
    )
    parser.add_argument(
        "--megapixels-per-minute",
        metavar="N",
        type=said(functools.partial(number_of, "megapixels-per-minute")),
        help="megapixels of photographs that it may send, likewise",
    )
    parser.add_argument(
        "--weight",
        metavar="N",
        type=said(functools.partial(number_of, "weight")),
        default=1,
        help="its share beside callers of weight 1, under load (default 1)",
    )
    parser.add_argument(
        "--key-file",
        metavar="FILE",
        type=Path,
        help="a new file for the key itself, which only its owner can read, in place of printing "
        "the key",
    )


def run(file: Path | None, options: argparse.Namespace) -> int:
    """Make a key; return the exit status.

    Raises:
        OutputError: The file, or standard output, cannot be written.
    """
    allowance = Allowance(
        options.requests_per_minute, options.megapixels_per_minute, options.weight
    )
    expires = time.time() + options.days * DAY
    key, entry = create(options.name, options.scopes, expires, allowance)
    with _written(options.key_file, key):
        if file:
            append(file, entry)
    if not options.key_file:
        standard_output.write(key)
    if not file:
        standard_output.write(entry.line)
    return 0


@contextlib.contextmanager
def _written(file: Path | None, key: str) -> Iterator[None]:
    """Write a key to a new file, if one is named; remove it if its hash cannot be stored."""
    if not file:
        yield
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        received = "one that does" if error.errno == errno.EEXIST else error.strerror
        raise OutputError(
            f"{file}: expected a file that does not exist yet, in a folder that can be written, "
            f"received: {received}"
        ) from error
    try:
        try:
            with os.fdopen(descriptor, "w") as stream:
                stream.write(f"{key}\n")
        except OSError as error:
            raise OutputError(
                f"{file}: expected to write the key to it, received: {error.strerror}"
            ) from error
        yield
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _scopes(text: str) -> frozenset[ScopeName]:
    """Return scopes, as scopes_of() does; the error names those that are none.

    That of a line in a file does not, as any word in it may be a key.
    """
    given = [each.strip() for each in text.split(",")]
    if others := [each[:40] for each in given if each not in SCOPES]:
        received = ", ".join(map(repr, others))
        raise ValueError(f"scopes: expected some of {','.join(SCOPES)}, received {received}")
    return scopes_of(text)


def _days(text: str) -> float:
    days = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if not 0 < days <= 36500:
        raise ValueError("expected a number of days above 0, 36500 at most, received another")
    return days


def said(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return a type of arguments whose errors argparse shows."""

    def reading(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return reading
