"""The names of rows and series in files, by which neighbours are found too."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from training.datasets import table_files
from training.datasets.description import ARRAYS, TABLES, Description, files
from training.datasets.saved import Saved, is_saved


def names(description: Description) -> Sequence[str]:
    """Return what names the items of a data set.

    Args:
        description: Of a table, or of sequences.

    Returns:
        The keys of all rows of the files, one file after the other, "" where one is missing; of
        whole series the name of each, which is its file's, its column's, or both, or the key of its
        first row. None at all where neither a key nor a series tells.
    """
    path = Path(description.path)
    if description.kind == "images" or path.suffix.lower() in ARRAYS:
        return ()
    if description.kind == "sequences" and description.window is None:
        return list(_of_series(path, description))
    if description.key is None:
        return ()
    return list(_columns(_files(path), description.key))


def _of_series(path: Path, description: Description) -> Iterator[str]:
    parts = [(file.name if path.is_dir() else "", [file]) for file in _files(path)]
    if is_saved(path):  # one after the other, cut anywhere
        parts = [("", _files(path))]
    for name, part in parts:
        if description.series is None:
            keys = _columns(part, description.key) if description.key and not name else iter(("",))
            yield name or next(keys, "")
            continue
        for series, _ in groupby(_columns(part, description.series)):
            yield "#".join(filter(None, (name, series)))


def _files(path: Path) -> list[Path]:
    return list(Saved(path).files if is_saved(path) else files(path, TABLES))


def _columns(paths: Sequence[Path], name: str) -> Iterator[str]:
    """Yield the values of a column as texts, "" where one is missing."""
    import pyarrow as pa

    for path in paths:
        for batch in table_files.batches(path, {name: pa.string()}):
            yield from (each or "" for each in batch.column(0).to_pylist())
