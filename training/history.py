"""The losses of a training run, in history.csv: a row an epoch, or a row a validation."""

import math
from collections.abc import Mapping
from pathlib import Path

FILE_NAME = "history.csv"


def read(path: Path, *needed: str, key: str = "epoch") -> list[Mapping[str, float]]:
    """Return the rows of a history.csv.

    Args:
        path: The file.
        needed: Columns that must be there and hold numbers; an empty cell of another one is NaN.
        key: The column that numbers the rows; of rows with the same number the last one counts,
            as a training that was stopped between its row and its checkpoint repeats an epoch.

    Returns:
        The rows in order, none where there is no file.

    Raises:
        ValueError: The file is damaged; the error names the line.
    """
    text = path.read_bytes().decode(errors="replace") if path.exists() else ""
    if not text:
        return []
    header, *lines = text.splitlines()
    columns = header.split(",")
    if not lines and not text.endswith("\n"):
        columns = []  # a header that was cut off
    if missing := [name for name in (key, *needed) if name not in columns]:
        raise ValueError(
            f"{path}, line 1: expected a column {missing[0]}, received {header[:80]!r}; "
            "train anew with --again"
        )
    rows: dict[float, Mapping[str, float]] = {}
    for number, line in enumerate(lines, start=2):
        try:
            if number == len(lines) + 1 and not text.endswith("\n"):
                raise ValueError("cut off, perhaps within a number")
            cells = dict(zip(columns, line.split(","), strict=True))
            row = {
                name: float(cell) if cell or name in (key, *needed) else math.nan
                for name, cell in cells.items()
            }
        except ValueError:
            raise ValueError(
                f"{path}, line {number}: expected numbers for {header}, received {line[:80]!r}; "
                "remove the line, or train anew with --again"
            ) from None
        rows[row[key]] = row
    return list(rows.values())
