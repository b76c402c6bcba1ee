"""Codings as files: Parquet, or the arrays of a numpy archive."""

import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.errors import StartupError
from service.files.codings.encoder import Encoded

KEY = b"autoencoder-service"
"""The key of what a Parquet file says of its codings: JSON."""


@dataclass(frozen=True)
class Origin:
    """Which model made codings.

    Attributes:
        model: Its name.
        version: Its version.
        sha256: Of the graph that encodes.
        shape: Of a coding, before it is made one row.
    """

    model: str
    version: int
    sha256: str
    shape: tuple[int, ...]


def to_parquet(encoded: Encoded, origin: Origin) -> bytes:
    """Return a table with the columns `path` or `row`, and `coding`, a list of a fixed size."""
    import pyarrow as pa
    from pyarrow import parquet

    kind, items = pa.int64(), list[Any](encoded.items)
    if encoded.column == "path":  # of which a name that is no UTF-8 has its bytes as \udcXX
        kind, items = pa.string(), [str(each).encode(errors="backslashreplace") for each in items]
    numbers = pa.array(encoded.codings.ravel())
    codings = pa.FixedSizeListArray.from_arrays(numbers, math.prod(origin.shape))
    table = pa.table({encoded.column: pa.array(items, kind), "coding": codings})
    table = table.replace_schema_metadata({KEY: json.dumps(vars(origin))})
    stream = io.BytesIO()
    parquet.write_table(table, stream, compression="zstd", use_dictionary=False)
    return stream.getvalue()


def to_npz(encoded: Encoded, origin: Origin) -> bytes:
    """Return an archive with the arrays `path` or `row`, `coding`, and `origin`, which is JSON."""
    kind = np.int64 if encoded.column == "row" else np.str_
    stream = io.BytesIO()
    arrays: dict[str, Any] = {
        encoded.column: np.array(encoded.items, kind),
        "coding": encoded.codings,
        "origin": np.array(json.dumps(vars(origin))),
    }
    np.savez(stream, **arrays)
    return stream.getvalue()


WRITERS: dict[str, Callable[[Encoded, Origin], bytes]] = {"parquet": to_parquet, "npz": to_npz}
"""What writes a part, by format."""


def check(form: str) -> None:
    """Raise StartupError where what writes a format is not installed."""
    if form != "parquet":
        return
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise StartupError(
            f"--format parquet: expected the extra [parquet] to be installed, received: {error}; "
            "--format npz needs none"
        ) from error
