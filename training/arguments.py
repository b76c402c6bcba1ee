"""Command-line options that a family of models declares."""

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Command = Literal["train", "export", "evaluate", "index", "figures", "report", "compare"]


@dataclass(frozen=True)
class Argument:
    """A command-line option that one family has and the others have not.

    Args:
        flag: The option as it is typed, with its dashes.
        settings: Keyword arguments of `argparse.ArgumentParser.add_argument`, without a default.
        default: The value where the option is not given.
    """

    flag: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    default: Any = None

    @property
    def destination(self) -> str:
        """The attribute of the parsed options that holds the value."""
        named: str = self.settings.get("dest", self.flag.removeprefix("--").replace("-", "_"))
        return named


FINE_TUNING = Argument(
    "--no-fine-tuning",
    {
        "dest": "fine_tuning",
        "action": "store_false",
        "help": "end layer by layer training with the last phase",
    },
    default=True,
)
"""Of families that train layer by layer."""


def finite(text: str) -> float:
    """Parse a finite number above 0, as the type of an option."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a finite number above 0, received {text}")
    return value


def share(text: str) -> float:
    """Parse a share from 0 to below 1, as the type of an option."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to below 1, received {text}")
    return value


def positive(text: str) -> int:
    """Parse a whole number from 1, as the type of an option."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, received {value}")
    return value
