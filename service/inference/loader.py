"""Find, verify and load models: folders <name>/<version>/ with a manifest each."""

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from service.errors import StartupError
from service.inference.batcher import Batch, Batcher
from service.inference.device import Execution
from service.inference.model import Model
from service.inference.session import Session
from service.manifest import FILE_NAME, Manifest, OperationName, digest
from service.pydantic_errors import explain

SETTING = "SERVICE_MODELS (--models)"
"""What an operator names the folder of models by."""

Observe = Callable[[str, OperationName, Batch], None]
"""Told of each batch that ran, with the model's name and the operation."""

Fingerprint = tuple[tuple[str, int, int], ...]
"""What tells a folder's content from another: the name, size and time of each file."""


def find(root: Path, *, strict: bool = True) -> list[Path]:
    """Return the folders <name>/<version>/ under a folder that hold a manifest, in order.

    strict: raise StartupError for a version that is not a number, instead of leaving it out.
    """
    folders = sorted(path.parent for path in root.glob(f"*/*/{FILE_NAME}"))
    for folder in folders:
        if strict and not folder.name.isdecimal():
            raise StartupError(f"{folder}: expected a number for a version, received {folder.name}")
    return [folder for folder in folders if folder.name.isdecimal()]


def nothing_in(root: Path) -> StartupError:
    """Return the error for a folder in which find() finds nothing, where there must be a model."""
    return StartupError(
        f"{root}: expected folders <name>/<version>/ with a {FILE_NAME}, received none; "
        f"{SETTING} says where they are"
    )


def newest(root: Path) -> dict[str, Path]:
    """Return the folder of the newest version of every model under a folder, by name."""
    folders = sorted(find(root), key=lambda folder: int(folder.name))
    return {folder.parent.name: folder for folder in folders}


def fingerprint(folder: Path) -> Fingerprint:
    """Return what tells what a folder holds; nothing of what vanishes while it is read."""
    found = []
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((path.name, status.st_size, status.st_mtime_ns))
    return tuple(found)


def load(
    folder: Path,
    *,
    execution: Execution = Execution(),  # noqa: B008 - frozen, so one for all calls is right
    max_batch: int = 64,
    observe: Observe = lambda *_: None,
) -> Model:
    """Return the model of a folder <name>/<version>/, its files checked against their digests.

    max_batch: items of several requests that may run at once; observe: told of each batch that
    ran. Raises StartupError, naming the file, where anything is not as the manifest says.
    """
    try:
        manifest = Manifest.read(folder)
    except OSError as error:
        raise StartupError(
            f"{folder / FILE_NAME}: expected a manifest, received: {error.strerror}"
        ) from error
    except ValidationError as error:
        raise StartupError(f"{folder / FILE_NAME}: {explain(error)}") from error
    found = (folder.parent.name, folder.name)
    described = (manifest.name, str(manifest.version))
    if found != described:
        raise StartupError(
            f"{folder}: expected the folder {'/'.join(described)} that its manifest describes, "
            f"received {'/'.join(found)}"
        )
    batchers: dict[OperationName, Batcher] = {}
    for name, operation in manifest.operations.items():
        path = folder / operation.file
        if not path.is_file():
            raise StartupError(f"{path}: expected the graph of {name}, received no such file")
        if (received := digest(path)) != operation.sha256:
            raise StartupError(f"{path}: expected SHA-256 {operation.sha256}, received {received}")
        batchers[name] = Batcher(
            Session(path, operation, execution),
            max_batch=max_batch,
            observe=partial(observe, manifest.name, name),
        )
    return Model(manifest, batchers)
