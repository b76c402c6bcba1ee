"""python -m service keys list | revoke NAME: what keys a file has, and fewer of them."""

import argparse
import time
from pathlib import Path

from service import standard_output
from service.access import key_file
from service.access.entry import named
from service.access.new_key import said
from service.errors import InvalidValue
from service.setting_names import variable

LIST = "list the API keys of a file: names, scopes, expiry and quotas, and no hashes"
REVOKE = "remove the API keys of a name from a file; the service refuses them within a second"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `keys revoke` to a parser, but for the file."""
    parser.add_argument("name", metavar="NAME", type=said(named), help="whose keys they are")
    parser.add_argument(
        "--keep-last",
        action="store_true",
        help="keep the last of them in the file, which replaces those before",
    )


def show(file: Path | None, _: argparse.Namespace) -> int:
    """Print a line for each key, in the order of the file; return the exit status.

    Raises:
        InvalidValue: No file is named.
        OutputError: It cannot be read, or is none of keys; or standard output cannot be written.
    """
    for entry in key_file.entries(_present(file)):
        state = " (expired)" if entry.expires <= time.time() else ""
        standard_output.write(f"{entry.name} {entry.words}{state}")
    return 0


def revoke(file: Path | None, options: argparse.Namespace) -> int:
    """Remove keys; return the exit status.

    Raises:
        InvalidValue: No file is named, or it has no key of the name.
        OutputError: The file cannot be read or replaced, or is none of keys.
    """
    count = key_file.revoke(_present(file), options.name, keep_last=options.keep_last)
    keys = "key" if count == 1 else "keys"
    standard_output.write(f"{options.name}: {count} {keys} revoked")
    return 0


def _present(file: Path | None) -> Path:
    if file is None:
        raise InvalidValue(
            f"keys: expected {variable('api_keys_file')} (--file) to name a file, received none"
        )
    return file
