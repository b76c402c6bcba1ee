"""Build the index of a model of one's own data: of the data of its training, or of others."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from service.manifest import Manifest
from training.datasets.description import Description, parse
from training.family import read_manifest
from training.indexing.build import Options, build
from training.indexing.piece import SIZE, Piece
from training.own.sources import pictures, sequences
from training.own.sources.rows import Columns, batches

CHANGES = ("label", "series", "fit")
"""Fields of the description of the training's data that options change."""
ITEMS = {"images": "images", "sequences": "sequences", "table": "rows"}


def index(folder: Path, options: Namespace) -> Manifest:
    """Write the index of a model, and the manifest and the card that describe it.

    Args:
        folder: models/<name>/<version>/.
        options: Those of the command line.

    Raises:
        StartupError: The folder cannot be served.
        OSError: The data cannot be read.
        ValueError: The data are not as the model takes them.
    """
    manifest = read_manifest(folder)
    fields = dict(manifest.provenance.data or {})
    fields.pop("sha256", None)
    given = {name: getattr(options, name) for name in CHANGES if getattr(options, name) is not None}
    path = options.data or Path(fields["path"])
    description = parse(fields | given | {"path": str(path)}, f"{folder}: data")
    if not path.exists():
        raise FileNotFoundError(f"--data: expected a file or a folder, received none at {path}")
    return build(
        folder,
        _pieces(path, manifest, description, options.key),
        f"{ITEMS[description.kind]} of {path.name}",
        Options(options.metric, options.first),
    )


def _pieces(
    path: Path, manifest: Manifest, description: Description, key: str | None
) -> Iterator[Piece]:
    if manifest.rows is None:
        if key:
            raise ValueError("--key: expected none with images, which their files name")
        yield from pictures.pieces(path, manifest, description.fit)
        return
    columns = Columns(key or description.key, description.label, description.series)
    if description.kind == "sequences":
        yield from sequences.pieces(path, manifest.rows, columns)
        return
    for batch in batches(path, manifest.rows, columns):
        for start in range(0, len(batch.ids), SIZE):
            part = slice(start, start + SIZE)
            yield Piece(batch.features[part], batch.ids[part], batch.labels[part])
