"""python -m service keys new NAME: make an API key, print it once, store its hash."""

import argparse
import functools
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from service import standard_output
from service.access.allowance import Allowance, number_of
from service.access.entry import create, named, scopes_of
from service.access.identity import INFER, SCOPES
from service.access.key_file import append

SUMMARY = "manage API keys"
NEW = (
    "make an API key: print it, and append its hash to a file; without a file, print the line that "
    "the file would have"
)
DAY = 24 * 3600

T = TypeVar("T")


def add(parser: argparse.ArgumentParser, variable: str) -> None:
    """Add the arguments of `keys new` to a parser.

    Args:
        parser: The parser.
        variable: The environment variable that names the file.
    """
    parser.add_argument("name", metavar="NAME", type=_said(named), help="whose key it is")
    parser.add_argument(
        "--scopes",
        type=_said(scopes_of),
        default=frozenset({INFER}),
        help=f"what it may do, by commas: {', '.join(SCOPES)} (default {INFER})",
    )
    parser.add_argument("--days", type=_said(_days), default=math.inf, help="when it expires")
    parser.add_argument(
        "--requests-per-minute",
        metavar="N",
        type=_said(functools.partial(number_of, "requests-per-minute")),
        help="requests that it may send; 0 for any number (default: as the settings say)",
    )
    parser.add_argument(
        "--megapixels-per-minute",
        metavar="N",
        type=_said(functools.partial(number_of, "megapixels-per-minute")),
        help="megapixels of photographs that it may send, likewise",
    )
    parser.add_argument(
        "--weight",
        metavar="N",
        type=_said(functools.partial(number_of, "weight")),
        default=1,
        help="its share beside callers of weight 1, under load (default 1)",
    )
    parser.add_argument(
        "--file",
        dest="api_keys_file",
        default=argparse.SUPPRESS,
        help=f"the file of keys ({variable})",
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
    if file:
        append(file, entry)
    standard_output.write(key)
    if not file:
        standard_output.write(entry.line)
    return 0


def _days(text: str) -> float:
    days = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if not 0 < days <= 36500:
        raise ValueError("expected a number of days above 0, 36500 at most, received another")
    return days


def _said(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return a type of arguments whose errors argparse shows."""

    def reading(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return reading
