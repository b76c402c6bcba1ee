"""Find, verify and load models: folders <name>/<version>/ with a manifest each."""

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from service.errors import ModelNotFound, StartupError, one_of
from service.inference.batcher import Batch, Batcher
from service.inference.device import Execution
from service.inference.intact import verify
from service.inference.model import LoadedModel
from service.inference.neighbours import search
from service.inference.neighbours.search import Search
from service.inference.reconstruction import Reconstruction, described
from service.inference.session import Session
from service.manifest import FILE_NAME, Manifest, OperationName
from service.pydantic_errors import explain

SETTING = "SERVICE_MODELS (--models)"
"""How an operator sets the folder of models."""

Observe = Callable[[str, OperationName, Batch], None]
"""Called with each batch that has run, its model's name and its operation."""

Fingerprint = tuple[tuple[str, int, int], ...]
"""Name, bytes and modification time (ns) of each file of a folder."""


def find(root: Path, *, strict: bool = True) -> list[Path]:
    """Return the folders <name>/<version>/ that hold a manifest, in order.

    Args:
        root: The folder of models.
        strict: Whether a version that is not a number is an error, or ignored.

    Raises:
        StartupError: A version is not a number, if strict.
    """
    folders = sorted(path.parent for path in root.glob(f"*/*/{FILE_NAME}"))
    for folder in folders:
        if strict and not folder.name.isdecimal():
            raise StartupError(f"{folder}: expected a number for a version, received {folder.name}")
    return [folder for folder in folders if folder.name.isdecimal()]


def nothing_in(root: Path) -> StartupError:
    """Return the error for a folder without models."""
    received = " none"
    try:
        next(root.iterdir(), None)
    except OSError as error:
        received = f": {error.strerror}"
    return StartupError(
        f"{root}: expected folders <name>/<version>/ with a {FILE_NAME}, received{received}; "
        f"{SETTING} says where they are"
    )


def newest(root: Path) -> dict[str, Path]:
    """Return the folder of each model's newest version, by name. Raises StartupError as find()."""
    folders = sorted(find(root), key=lambda folder: int(folder.name))
    return {folder.parent.name: folder for folder in folders}


def locate(root: Path, name: str, version: int | None = None) -> Path:
    """Return the folder of a version of a model.

    Args:
        root: The folder of models.
        name: The model's name.
        version: The version's number, None for the newest.

    Raises:
        StartupError: There is no model, or as find().
        ModelNotFound: There are others only.
    """
    folders = find(root)
    if not folders:
        raise nothing_in(root)
    versions = {int(folder.name): folder for folder in folders if folder.parent.name == name}
    if not versions:
        names = dict.fromkeys(folder.parent.name for folder in folders)
        raise ModelNotFound(f"model: expected {one_of(names)}, received {name!r}")
    number = max(versions) if version is None else version
    if number not in versions:
        raise ModelNotFound(
            f"version: expected {one_of(sorted(versions))} of {name}, received {version}"
        )
    return versions[number]


def fingerprint(folder: Path) -> Fingerprint:
    """Return the fingerprint of a folder; files that vanish meanwhile are left out."""
    found = []
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((path.name, status.st_size, status.st_mtime_ns))
    return tuple(found)


def read(folder: Path) -> Manifest:
    """Return the manifest of a folder. Raises StartupError where there is none, or a broken one."""
    try:
        return Manifest.read(folder)
    except OSError as error:
        raise StartupError(
            f"{folder / FILE_NAME}: expected a manifest, received: {error.strerror}"
        ) from error
    except ValidationError as error:
        raise StartupError(f"{folder / FILE_NAME}: {explain(error)}") from error


def load(
    folder: Path,
    *,
    execution: Execution = Execution(),  # noqa: B008 - frozen, so one for all calls is right
    max_batch: int = 64,
    observe: Observe = lambda *_: None,
    with_index: bool = True,
) -> LoadedModel:
    """Load the model of a folder <name>/<version>/ and verify its files against their digests.

    Args:
        folder: The model's folder.
        execution: The device and its options.
        max_batch: Items of several requests in one batch.
        observe: Called with each batch that has run.
        with_index: Whether to load the index that the manifest describes.

    Raises:
        StartupError: Something is not as the manifest says; the message names the file.
    """
    manifest = read(folder)
    if not with_index:
        manifest = manifest.model_copy(update={"index": None})
    verify(folder, manifest)
    graphs = {
        name: Session(folder / operation.file, operation, execution)
        for name, operation in manifest.operations.items()
    }
    sessions: dict[OperationName, Session | Reconstruction | Search] = dict(graphs.items())
    if reconstruct := described(manifest):
        sessions["reconstruct"] = Reconstruction(reconstruct, graphs["encode"], graphs["decode"])
    items = None
    if (neighbours := search.described(manifest)) and manifest.index:
        finder = search.open_finder(folder, manifest.index)
        sessions["neighbours"] = Search(neighbours, finder)
        items = search.open_items(folder, manifest.index)
    batchers = {
        name: Batcher(session, max_batch=max_batch, observe=partial(observe, manifest.name, name))
        for name, session in sessions.items()
    }
    return LoadedModel(manifest, batchers, items)
