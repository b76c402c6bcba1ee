"""Build the index of a model of one's own data: of the data of its training, or of others."""

from argparse import Namespace
from pathlib import Path

from service.manifest import Manifest
from training.family import read_manifest
from training.indexing.build import Options, build
from training.own.others import describe, named, pieces
from training.own.sources.rows import Columns


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
    description = describe(manifest, options)
    if manifest.rows is None and options.key:
        raise ValueError("--key: expected none with images, which their files name")
    columns = Columns(options.key or description.key, description.label, description.series)
    return build(
        folder,
        pieces(manifest, description, columns, print),
        named(description),
        Options(options.metric, options.first),
    )
