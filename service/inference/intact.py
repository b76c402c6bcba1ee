"""Verify the files of a version of a model against its manifest, before anything loads them."""

from collections.abc import Iterator
from pathlib import Path

from service.errors import StartupError
from service.inference import graph_file
from service.manifest import Manifest, digest, regular


def verify(folder: Path, manifest: Manifest) -> None:
    """Check the place of a version, the digest of each file, and that graphs need no other.

    Args:
        folder: The folder <name>/<version>/.
        manifest: Its manifest.

    Raises:
        StartupError: Something is not as the manifest says; the message begins with the file.
    """
    found = (folder.parent.name, folder.name)
    described = (manifest.name, str(manifest.version))
    if found != described:
        raise StartupError(
            f"{folder}: expected the folder {'/'.join(described)} that its manifest describes, "
            f"received {'/'.join(found)}"
        )
    for what, file, sha256 in _files(manifest):
        path = folder / file
        try:
            received = digest(regular(folder, file))
        except OSError as error:
            raise StartupError(f"{path}: expected {what}, received: {error.strerror}") from error
        if received != sha256:
            raise StartupError(f"{path}: expected SHA-256 {sha256}, received {received}")
    for operation in manifest.operations.values():
        graph_file.check(folder / operation.file)


def _files(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield what each file is, its name and its digest."""
    for name, operation in manifest.operations.items():
        yield f"the graph of {name}", operation.file, operation.sha256
    if index := manifest.index:
        yield "the codings of the index", index.codings.file, index.codings.sha256
        yield "the items of the index", index.items.file, index.items.sha256
