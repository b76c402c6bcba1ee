"""Series of rows: where one ends and the next begins."""

from collections.abc import Iterable
from itertools import groupby


class Series:
    """The series of rows that are read one after the other.

    Attributes:
        lengths: Rows of each, in the order in which they come.
    """

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self._ended: set[str] = set()
        self._name: str | None = None

    def end(self) -> None:
        """End all series of a file: those of the next are others, whatever they are called."""
        self._ended, self._name = set(), None

    def extend(self, names: Iterable[str], where: str) -> None:
        """Count further rows by the name of the series of each; raises as grow()."""
        for name, rows in groupby(names):
            self.grow(name, sum(1 for _ in rows), where)

    def grow(self, name: str, rows: int, where: str) -> None:
        """Count further rows of a series.

        Args:
            name: Of the series.
            rows: How many follow each other.
            where: They were read, for the error.

        Raises:
            ValueError: The series goes on after another one has begun.
        """
        if not rows:
            return
        if name != self._name:
            if self._name is not None:
                self._ended.add(self._name)
            if name in self._ended:
                raise ValueError(
                    f"{where}: expected the rows of a series one after the other, received some "
                    f"of {name!r:.40} after those of another; sort the rows by it"
                )
            self.lengths.append(0)
            self._name = name
        self.lengths[-1] += rows
