"""The models that are served: looked up by name, version and operation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from service.errors import ModelNotFound, OperationNotOffered
from service.inference.model import Model
from service.manifest import Manifest, OperationName

PHOTO = "photo"
"""The model of photographs that comes with the service."""


@dataclass(frozen=True)
class Version:
    """A version of a model as it stands in its folder.

    model: what answers requests, None where nothing does; manifest: None where it could not be
    read; fault: why what the folder holds now could not be loaded, "" where it was.
    """

    name: str
    number: int
    model: Model | None
    manifest: Manifest | None
    fault: str = ""

    @property
    def state(self) -> Literal["ready", "failed", "unloaded"]:
        """Return ready, failed (nothing is served), or unloaded (it was asked to go)."""
        if self.model:
            return "ready"
        return "failed" if self.fault else "unloaded"

    @property
    def operations(self) -> list[OperationName]:
        """Return what answers requests."""
        return list(self.model.batchers) if self.model else []


class Store:
    """The versions of models, by name; replaced as a whole, so that no lookup sees half of it."""

    def __init__(self, versions: Mapping[tuple[str, int], Version]) -> None:
        self.replace(versions)

    def replace(self, versions: Mapping[tuple[str, int], Version]) -> None:
        """Serve these versions from now on, by name and number."""
        ordered = sorted(versions.values(), key=lambda each: (each.name, -each.number))
        self.known = {(each.name, each.number): each for each in ordered}
        self._models: dict[str, dict[int, Model]] = {}
        for each in ordered:
            if each.model:
                self._models.setdefault(each.name, {})[each.number] = each.model

    def __iter__(self) -> Iterator[Model]:
        """Every version that is served of every model, by name, the newest first."""
        for versions in self._models.values():
            yield from versions.values()

    def versions(self, name: str) -> list[Version]:
        """Return what is known of the versions of a model, newest first. Raises ModelNotFound."""
        found = [version for version in self.known.values() if version.name == name]
        if not found:
            raise self._no_such_model(name)
        return found

    def get(self, name: str, version: int | None = None) -> Model:
        """Return a version of a model, the newest where none is named. Raises ModelNotFound."""
        versions = self._models.get(name)
        if not versions:
            raise self._no_such_model(name)
        if version is None:
            return next(iter(versions.values()))
        if version not in versions:
            raise ModelNotFound(
                f"version: expected one of {', '.join(map(str, sorted(versions)))} of {name}, "
                f"received {version}{self._why(name, version)}"
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
                + (_unloaded(name, operation) if operation in model.manifest.operations else "")
            )
        return model

    def offering(self, operation: OperationName, name: str) -> list[Model]:
        """Return the versions of a model that offer an operation, the newest first."""
        return [model for model in self._models.get(name, {}).values() if model.offers(operation)]

    def _no_such_model(self, name: str) -> ModelNotFound:
        return ModelNotFound(
            f"model: expected one of {', '.join(self._models) or 'none'}, received {name!r}"
            f"{self._why(name)}"
        )

    def _why(self, name: str, number: int | None = None) -> str:
        """Why a version that is known, the newest where none is named, does not answer."""
        for each in self.known.values():
            if each.name == name and number in (None, each.number):
                if each.fault:
                    return f", which could not be loaded: {each.fault}"
                return _unloaded(name, "<operation>")
        return ""


def _unloaded(name: str, operation: str) -> str:
    return f", which is unloaded: POST /v2/repository/models/{name}.{operation}/load loads it again"


@dataclass(frozen=True, slots=True)
class Defaults:
    """The model of each operation, and the one that denoises pictures, None if none was chosen."""

    operations: Mapping[OperationName, str]
    picture: str | None

    def of_pictures(self, operation: OperationName, store: Store) -> str:
        """Return the model of pictures: PHOTO denoises them if none was chosen and it is served."""
        if operation != "denoise":
            return self.operations[operation]
        if self.picture is None and any(model.name == PHOTO for model in store):
            return PHOTO
        return self.picture or self.operations[operation]
