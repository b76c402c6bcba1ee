"""Build the index of an exported model: items are encoded by the graph that is served."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from tqdm import tqdm

from service.index import MOST, Index, IndexFile, Metric
from service.inference.loader import load
from service.inference.model import LoadedModel
from service.inference.neighbours.exact import unit
from service.inference.neighbours.items import Item, line
from service.inference.pixels import Floats
from service.manifest import Manifest, digest
from training import card
from training.indexing.piece import Piece

CODINGS, ITEMS = "index-codings.npy", "index-items.jsonl"
HEAD = 128
"""Bytes of the head of a .npy file, which numpy keeps room in for any count."""


@dataclass(frozen=True)
class Options:
    """How to build an index.

    Args:
        metric: How far codings are from each other.
        first: Only so many items; None for all.
    """

    metric: Metric = "euclidean"
    first: int | None = None


def build(folder: Path, pieces: Iterable[Piece], data: str, options: Options) -> Manifest:
    """Write the index of a model, its manifest and its card; a service that runs loads them.

    Files are replaced at once, the manifest last: a service has the old ones mapped into memory.

    Args:
        folder: models/<name>/<version>/.
        pieces: The items.
        data: What they are, in words after their number.
        options: The metric, and how many.

    Raises:
        StartupError: The folder cannot be served.
        OperationNotOffered: The model does not encode.
        ValueError: There are no items, or too many, or codings are of several sizes.
    """
    model = load(folder, with_index=False)
    _check_sizes(model.manifest)
    drafts = {name: folder / f"{name}.new" for name in (CODINGS, ITEMS)}
    try:
        with drafts[CODINGS].open("wb") as codings, drafts[ITEMS].open("wb") as items:
            count, dimension = _write(model, pieces, options, codings, items)
        for name, draft in drafts.items():
            draft.replace(folder / name)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    index = Index(
        data=f"{count:,} {data}",
        count=count,
        dimension=dimension,
        metric=options.metric,
        codings=IndexFile(file=CODINGS, sha256=digest(folder / CODINGS)),
        items=IndexFile(file=ITEMS, sha256=digest(folder / ITEMS)),
    )
    manifest = model.manifest.model_copy(update={"index": index})
    manifest.write(folder)
    card.write(manifest, folder)
    return manifest


def _check_sizes(manifest: Manifest) -> None:
    encode = manifest.operations.get("encode")
    if encode and any(isinstance(size, str) for size in encode.output.shape[1:]):
        raise ValueError(
            f"{manifest.name}: expected codings of one size, received "
            f"({', '.join(map(str, encode.output.shape))})"
        )


def _write(
    model: LoadedModel,
    pieces: Iterable[Piece],
    options: Options,
    codings: IO[bytes],
    items: IO[bytes],
) -> tuple[int, int]:
    """Write codings and items; return how many there are, and the numbers of a coding."""
    count = dimension = 0
    codings.write(bytes(HEAD))
    with tqdm(desc=model.name, unit=" items", disable=None) as progress:
        for piece in _first(pieces, min(options.first or MOST, MOST) + (options.first is None)):
            found = _encoded(model, piece, options.metric)
            codings.write(found.tobytes())
            items.writelines(map(line, map(Item, piece.ids, piece.labels)))
            count += len(found)
            dimension = found.shape[1]
            progress.update(len(found))
    if not 0 < count <= MOST:
        received = "none" if not count else "more"
        raise ValueError(f"index: expected 1 to {MOST:,} items, received {received}")
    codings.seek(0)
    npy.write_array_header_1_0(
        codings, {"descr": "<f4", "fortran_order": False, "shape": (count, dimension)}
    )
    if codings.tell() != HEAD:
        raise ValueError(f"{CODINGS}: expected a head of {HEAD} bytes, received {codings.tell()}")
    return count, dimension


def _encoded(model: LoadedModel, piece: Piece, metric: Metric) -> Floats:
    found = model.infer("encode", piece.inputs)
    if not np.isfinite(found).all():
        raise ValueError(
            f"{model.name}: expected finite codings, received others of {piece.ids[0]} or of one "
            f"of the {len(piece.ids) - 1} items after it"
        )
    flat: Floats = found.reshape(len(found), -1)
    return unit(flat) if metric == "cosine" else flat


def _first(pieces: Iterable[Piece], most: int) -> Iterator[Piece]:
    """Yield pieces of so many items in all, at most."""
    for piece in pieces:
        if len(piece.ids) >= most:
            yield Piece(piece.inputs[:most], piece.ids[:most], piece.labels[:most])
            return
        most -= len(piece.ids)
        yield piece
