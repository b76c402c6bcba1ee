"""Other data than those of a model's training, read as the model takes them."""

from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

from service.manifest import Manifest
from training.datasets.description import Description, parse
from training.indexing.piece import Piece
from training.own.data import ITEMS
from training.own.sources import pictures, sequences
from training.own.sources.rows import Columns, batches, pieces_of

CHANGES = ("label", "series", "fit", "broken")
"""Fields of the description of the training's data that options change."""


def describe(manifest: Manifest, options: Namespace) -> Description:
    """Return the description of other data: that of the training's, and what options say.

    Args:
        manifest: Of the model.
        options: Those of the command line; without `data`, the data are those of the training.

    Raises:
        FileNotFoundError: There is nothing at their path.
        ValueError: An option says nothing of data of this kind.
    """
    fields = dict(manifest.provenance.data or {})
    if not fields and manifest.pixels:
        fields = {"kind": "images", "fit": manifest.pixels.fit}
    fields.pop("sha256", None)
    for name in CHANGES:
        if (value := getattr(options, name, None)) is not None:
            fields[name] = value
    path = options.data or Path(fields["path"])
    description = parse(fields | {"path": str(path)}, f"{manifest.name}: data")
    if not path.exists():
        raise FileNotFoundError(f"--data: expected a file or a folder, received none at {path}")
    return description


def named(description: Description) -> str:
    """Return what the items are, in words after their number."""
    return f"{ITEMS[description.kind]} of {Path(description.path).name}"


def pieces(
    manifest: Manifest, description: Description, columns: Columns, tell: Callable[[str], None]
) -> Iterator[Piece]:
    """Yield the items of other data.

    Args:
        manifest: Of the model.
        description: Of the data.
        columns: What else is read of rows.
        tell: Receives what the user should know of the files.

    Raises:
        OSError: The data cannot be read.
        ValueError: They are not as the model takes them; the error says where.
    """
    path = Path(description.path)
    if manifest.rows is None:
        yield from pictures.pieces(manifest, description, tell)
    elif description.kind == "sequences":
        yield from sequences.pieces(path, manifest.rows, columns)
    else:
        for batch in batches(path, manifest.rows, columns):
            yield from pieces_of(batch)
