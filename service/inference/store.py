"""Find, verify, load and look up models: models/<name>/<version>/ with a manifest each."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from service.errors import ModelNotFound, OperationNotOffered, StartupError
from service.inference.device import Device
from service.inference.model import Model
from service.inference.session import Session
from service.manifest import FILE_NAME, Manifest, OperationName, digest


class Store:
    """The models that are served, by name and version."""

    def __init__(self, models: dict[str, dict[int, Model]]) -> None:
        self._models = models

    @classmethod
    def open(cls, root: Path, *, device: Device) -> "Store":
        """Load and warm up every version of every model under a folder.

        Raises StartupError where there is none, or where any of them cannot be served.
        """
        models: dict[str, dict[int, Model]] = {}
        for folder in find(root):
            model = load(folder, device=device)
            model.warm_up()
            models.setdefault(model.name, {})[model.version] = model
        if not models:
            raise StartupError(
                f"{root}: expected folders <name>/<version>/ with a {FILE_NAME}, received none"
            )
        return cls(models)

    def __iter__(self) -> Iterator[Model]:
        """Every version of every model, by name, the newest version first."""
        for versions in self._models.values():
            yield from sorted(versions.values(), key=lambda model: -model.version)

    def versions(self, name: str) -> list[Model]:
        """Return the versions of a model, newest first. Raises ModelNotFound."""
        found = [model for model in self if model.name == name]
        if not found:
            raise ModelNotFound(
                f"model: expected one of {', '.join(self._models)}, received {name!r}"
            )
        return found

    def get(self, name: str, version: int | None = None) -> Model:
        """Return a version of a model, the newest where none is named. Raises ModelNotFound."""
        versions = {model.version: model for model in self.versions(name)}
        if version is None:
            return versions[max(versions)]
        if version not in versions:
            raise ModelNotFound(
                f"version: expected one of {', '.join(map(str, sorted(versions)))} of {name}, "
                f"received {version}"
            )
        return versions[version]

    def get_for(self, operation: OperationName, name: str, version: int | None = None) -> Model:
        """Return a version of a model that offers an operation.

        Raises ModelNotFound, and OperationNotOffered with the names of the models that do offer it.
        """
        model = self.get(name, version)
        if not model.offers(operation):
            able = dict.fromkeys(model.name for model in self if model.offers(operation))
            raise OperationNotOffered(
                f"model: expected one that offers {operation} ({', '.join(able) or 'none does'}), "
                f"received {name}"
            )
        return model


def find(root: Path) -> list[Path]:
    """Return the folders <name>/<version>/ under a folder that hold a manifest, in order.

    Raises StartupError for a version that is not a number.
    """
    folders = sorted(path.parent for path in root.glob(f"*/*/{FILE_NAME}"))
    for folder in folders:
        if not folder.name.isdecimal():
            raise StartupError(f"{folder}: expected a number for a version, received {folder.name}")
    return folders


def newest(root: Path) -> dict[str, Path]:
    """Return the folder of the newest version of every model under a folder, by name."""
    folders = sorted(find(root), key=lambda folder: int(folder.name))
    return {folder.parent.name: folder for folder in folders}


def load(folder: Path, *, device: Device = "cpu") -> Model:
    """Return the model of a folder <name>/<version>/, its files checked against their digests.

    Raises StartupError, naming the file, where anything is not as the manifest says.
    """
    try:
        manifest = Manifest.read(folder)
    except (OSError, ValidationError) as error:
        raise StartupError(
            f"{folder / FILE_NAME}: expected a manifest, received: {error}"
        ) from error
    found = (folder.parent.name, folder.name)
    described = (manifest.name, str(manifest.version))
    if found != described:
        raise StartupError(
            f"{folder}: expected the folder {'/'.join(described)} that its manifest describes, "
            f"received {'/'.join(found)}"
        )
    sessions: dict[OperationName, Session] = {}
    for name, operation in manifest.operations.items():
        path = folder / operation.file
        if not path.is_file():
            raise StartupError(f"{path}: expected the graph of {name}, received no such file")
        if (received := digest(path)) != operation.sha256:
            raise StartupError(f"{path}: expected SHA-256 {operation.sha256}, received {received}")
        sessions[name] = Session(path, operation, device=device)
    return Model(manifest, sessions)
