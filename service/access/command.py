"""python -m service keys new | list | revoke: the API keys of a file."""

import argparse
from pathlib import Path

from service.access import kept_keys, new_key

SUMMARY = "make, list and revoke API keys"


def add(parser: argparse.ArgumentParser, variable: str) -> None:
    """Add the actions to a parser.

    Args:
        parser: The parser.
        variable: The environment variable that names the file.
    """
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, summary, arguments, run_action in (
        ("new", new_key.SUMMARY, new_key.add, new_key.run),
        ("list", kept_keys.LIST, None, kept_keys.show),
        ("revoke", kept_keys.REVOKE, kept_keys.add, kept_keys.revoke),
    ):
        action = actions.add_parser(name, help=summary, description=summary)
        if arguments:
            arguments(action)
        action.add_argument(
            "--file",
            dest="api_keys_file",
            default=argparse.SUPPRESS,
            help=f"the file of keys ({variable})",
        )
        action.set_defaults(action=run_action)


def run(file: Path | None, options: argparse.Namespace) -> int:
    """Run the action that the options name; return the exit status.

    Raises:
        InvalidValue, OutputError, StartupError: As the actions raise them.
    """
    status: int = options.action(file, options)
    return status
