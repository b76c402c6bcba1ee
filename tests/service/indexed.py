"""Indexes of tiny models."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from service.index import Index, IndexFile, Metric
from service.inference.neighbours.items import Item, line
from service.manifest import Manifest, digest

CODINGS, ITEMS = "index-codings.npy", "index-items.jsonl"


def write_index(
    folder: Path,
    codings: ArrayLike,
    items: Sequence[tuple[str, str | None]],
    metric: Metric = "euclidean",
) -> Index:
    """Write an index of codings (count, dimension) into the folder of a model."""
    array = np.asarray(codings, np.float32)
    np.save(folder / CODINGS, array)
    (folder / ITEMS).write_bytes(b"".join(line(Item(*each)) for each in items))
    index = Index(
        data="a few items",
        count=len(array),
        dimension=array.shape[1],
        metric=metric,
        codings=IndexFile(file=CODINGS, sha256=digest(folder / CODINGS)),
        items=IndexFile(file=ITEMS, sha256=digest(folder / ITEMS)),
    )
    manifest = Manifest.read(folder)
    manifest.model_copy(update={"index": index}).write(folder)
    return index
