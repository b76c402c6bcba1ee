"""Image files that cannot be decoded: left out up to a share, else an error that names them."""

import math
from pathlib import Path

NAMED = 3
"""Of many files."""


class Broken:
    """Those of some image files that cannot be decoded.

    Args:
        root: What they are of, for the error.
        share: The share of the files that may be broken, [0, 1).
    """

    def __init__(self, root: Path, share: float) -> None:
        self._root = root
        self._share = share
        self._names: list[str] = []
        self._first = ""

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, error: ValueError) -> None:
        """Count a file, and what is wrong with it."""
        self._names.append(name)
        self._first = self._first or str(error)

    def notes(self, count: int) -> tuple[str, ...]:
        """Return what is to be known of them: nothing where there are none.

        Args:
            count: Files that were read, broken ones included.

        Raises:
            ValueError: They are more than the share of it.
        """
        found = len(self)
        # Not `found > share * count`, as 0.29 * 100 is less than 29.
        if found and found / count > self._share:
            enough = math.ceil(100 * found / count) / 100
            advice = f"; --broken {enough:g} goes on without them" if enough < 1 else ""
            allowed = (
                f"{100 * self._share:g} % broken images at most"
                if self._share
                else "no broken image"
            )
            raise ValueError(
                f"{self._root}: expected {allowed}, received {found:,} broken of {count:,} images: "
                f"{self._listed()}{advice}; the first is {self._first}"
            )
        if not found:
            return ()
        verb = "is" if found == 1 else "are"
        return (f"{found:,} of {count:,} images {verb} broken and left out: {self._listed()}",)

    def _listed(self) -> str:
        more = len(self) - NAMED
        return ", ".join(self._names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
