"""Verify the files of a version of a model against its manifest, before anything loads them."""

from pathlib import Path

from service.errors import StartupError
from service.inference import graph_file
from service.manifest import Manifest, digest, regular


def verify(folder: Path, manifest: Manifest) -> None:
    """Check the place of a version, the digest of each graph, and that it needs no other file.

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
    for name, operation in manifest.operations.items():
        path = folder / operation.file
        try:
            received = digest(regular(folder, operation.file))
        except OSError as error:
            raise StartupError(
                f"{path}: expected the graph of {name}, received: {error.strerror}"
            ) from error
        if received != operation.sha256:
            raise StartupError(f"{path}: expected SHA-256 {operation.sha256}, received {received}")
        graph_file.check(path)
