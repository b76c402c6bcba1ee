"""Rows with named columns, for models of tables and series, to the body of a request."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard, cast

from service.client import images
from service.client.images import Body, ImageLike

FILES = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
"""Media types of files of rows, by suffix: their content does not always tell."""

Rows: TypeAlias = Sequence[Mapping[str, Any]]
"""A value for each column by name: numbers, the texts of categories, None where one is missing."""
Items: TypeAlias = ImageLike | Rows
"""What is scored, reconstructed or encoded."""


def read(items: Items) -> Body:
    """Return the body of a request that sends images or rows.

    Args:
        items: Rows; a path of a CSV or Parquet file; anything else as images.read() takes
            it.

    Raises:
        TypeError: A value of a row is no number, text or None; or as images.read() raises it.
        ValueError: A number is not finite; or as images.read() raises it.
        OSError: The file cannot be read.
    """
    if _are_rows(items):
        document = {"rows": [dict(row) for row in items]}
        return Body(json.dumps(document, allow_nan=False).encode(), "application/json")
    if isinstance(items, str | os.PathLike):
        suffix = Path(items).suffix.lower()
        if suffix in FILES:
            return Body(Path(items).read_bytes(), FILES[suffix])
    return images.read(cast("ImageLike", items))


def _are_rows(items: Items) -> TypeGuard[Rows]:
    return isinstance(items, list | tuple) and all(isinstance(row, Mapping) for row in items)
