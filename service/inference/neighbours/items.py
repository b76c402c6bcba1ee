"""What the codings of an index are of: an id and a class each, as JSON Lines mapped from a file."""

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

END = ord("\n")
SHOWN = 80
"""Characters of a wrong line that an error shows."""


class Item(NamedTuple):
    """What a coding is of.

    Attributes:
        id: By which it is found again.
        label: Its class, None where there are none.
    """

    id: str
    label: str | None


class Items:
    """The items of an index, by their numbers."""

    def __init__(self, path: Path, count: int) -> None:
        """Map a file, and look at each of its lines once.

        Args:
            path: The file.
            count: How many lines it has.

        Raises:
            OSError: It cannot be read.
            ValueError: It holds something else.
        """
        with path.open("rb") as file:
            if not path.stat().st_size:  # which cannot be mapped
                raise ValueError(f"expected {count} lines, received none")
            self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._ends = np.flatnonzero(np.frombuffer(self._text, np.uint8) == END)
        if len(self._ends) != count or self._ends[-1] != len(self._text) - 1:
            raise ValueError(f"expected {count} whole lines, received {len(self._ends)}")
        for number in range(count):
            self[number]

    def __getitem__(self, number: int) -> Item:
        start = int(self._ends[number - 1]) + 1 if number else 0
        line = self._text[start : int(self._ends[number])]
        try:
            read = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise _wrong(number, line) from error
        if not _is_item(read):
            raise _wrong(number, line)
        return Item(read["id"], read["label"])

    def of(self, numbers: Iterable[int]) -> list[Item]:
        """Return items by their numbers."""
        return [self[number] for number in numbers]


def line(item: Item) -> bytes:
    """Return an item as a line of the file."""
    return orjson.dumps(item._asdict()) + b"\n"


def _is_item(read: Any) -> bool:
    return (
        isinstance(read, dict)
        and read.keys() == set(Item._fields)
        and isinstance(read["id"], str)
        and isinstance(read["label"], str | None)
    )


def _wrong(number: int, line: bytes) -> ValueError:
    received = line[:SHOWN].decode(errors="replace")
    return ValueError(
        f"line {number + 1}: expected an object with an id and a label, received {received}"
    )
