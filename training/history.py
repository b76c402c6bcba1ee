"""The losses of a training, a row an epoch, as history.csv keeps them."""

import csv
from collections.abc import Mapping
from pathlib import Path

FILE_NAME = "history.csv"


def read(path: Path) -> list[Mapping[str, float]]:
    """Return the rows of a history.csv, one an epoch, empty where there is no such file yet."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    # A training that was stopped between its row and its checkpoint has run that epoch again.
    return list({row["epoch"]: row for row in rows}.values())
