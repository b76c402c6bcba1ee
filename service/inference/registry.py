"""The registry of served models: look-up by name, version and operation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from service.errors import ModelNotFound, OperationNotOffered, one_of
from service.inference.model import Model
from service.inference.reconstruction import offered
from service.manifest import PHOTO, Manifest, OperationName


@dataclass(frozen=True)
class Version:
    """A version of a model.

    Attributes:
        name: The model's name.
        number: The version, 1 or more.
        model: The loaded model, None if none is served.
        manifest: The manifest of its folder, None if it cannot be read.
        fault: Why the present content of its folder could not be loaded, "" if it was.
        size: Bytes of the files in its folder.
        card: The model card beside them, in Markdown; "" if there is none.
    """

    name: str
    number: int
    model: Model | None
    manifest: Manifest | None
    fault: str = ""
    size: int = 0
    card: str = ""

    @property
    def state(self) -> Literal["ready", "failed", "unloaded"]:
        """Return ready, failed (no model is served), or unloaded (by repository control)."""
        if self.model:
            return "ready"
        return "failed" if self.fault else "unloaded"

    @property
    def operations(self) -> list[OperationName]:
        """Return the operations that are served."""
        return list(self.model.batchers) if self.model else []


@dataclass(frozen=True, slots=True)
class Found:
    """The model of a request, and what it lacks if it is the default, as Default says."""

    model: Model
    lacks: str | None = None


Asked = tuple[OperationName, str | None, int | None, bool]
"""What a request asks for: operation, name and version of the model, whether it sends an array."""


class ModelRegistry:
    """The versions of all models; replaced as a whole, so that no look-up sees half a change.

    Attributes:
        known: Every version by name and number, served or not; by name, newest first.
        found: The models that requests have found, a new dictionary after each change: a request
            that asks for what others did takes a dictionary lookup.
    """

    def __init__(self, versions: Mapping[tuple[str, int], Version]) -> None:
        """Create a registry of these versions, by name and number."""
        self.replace(versions)

    def replace(self, versions: Mapping[tuple[str, int], Version]) -> None:
        """Replace all versions."""
        ordered = sorted(versions.values(), key=lambda each: (each.name, -each.number))
        models: dict[str, dict[int, Model]] = {}
        for each in ordered:
            if each.model:
                models.setdefault(each.name, {})[each.number] = each.model
        self.known = {(each.name, each.number): each for each in ordered}
        self._models = models
        self.found: dict[Asked, Found] = {}  # last: what is found from now on is of these models

    def __iter__(self) -> Iterator[Model]:
        """Iterate over the served versions of every model, by name, newest first."""
        for versions in self._models.values():
            yield from versions.values()

    def versions(self, name: str) -> list[Version]:
        """Return every version of a model, newest first. Raises ModelNotFound."""
        found = [version for version in self.known.values() if version.name == name]
        if not found:
            raise self._no_such_model(name)
        return found

    def get(self, name: str, version: int | None = None) -> Model:
        """Return a served version of a model.

        Args:
            name: The model's name.
            version: The version's number, None for the newest.

        Raises:
            ModelNotFound: No such model or version is served.
        """
        versions = self._models.get(name)
        if not versions:
            raise self._no_such_model(name)
        if version is None:
            return next(iter(versions.values()))
        if version not in versions:
            raise ModelNotFound(
                f"version: expected {one_of(sorted(versions))} of {name}, "
                f"received {version}{self.reason(name, number=version)}"
            )
        return versions[version]

    def get_for(self, operation: OperationName, name: str, version: int | None = None) -> Model:
        """Return a served version of a model that offers an operation.

        Args:
            operation: The operation.
            name: The model's name.
            version: The version's number, None for the newest.

        Raises:
            ModelNotFound: No such model or version is served.
            OperationNotOffered: The model has no such operation; the message names those that do.
        """
        model = self.get(name, version)
        if operation not in model.batchers:
            able = dict.fromkeys(model.name for model in self if operation in model.batchers)
            raise OperationNotOffered(
                f"model: expected one that offers {operation} ({', '.join(able) or 'none does'}), "
                f"received {name}"
                + (_unloaded(name, operation) if operation in offered(model.manifest) else "")
            )
        return model

    def offering(self, operation: OperationName, name: str) -> list[Model]:
        """Return the served versions of a model that offer an operation, newest first."""
        models = self._models.get(name, {}).values()
        return [model for model in models if operation in model.batchers]

    def _no_such_model(self, name: str) -> ModelNotFound:
        return ModelNotFound(
            f"model: expected {one_of(self._models)}, received {name!r}{self.reason(name)}"
        )

    def reason(
        self, name: str, operation: str = "<operation>", *, number: int | None = None
    ) -> str:
        """Return why a model does not answer, as a clause, or "" where it is not known.

        Args:
            name: The model.
            operation: What it is to do.
            number: Its version; None for the newest.
        """
        for each in self.known.values():
            if each.name == name and number in (None, each.number):
                if each.fault:
                    return f", which could not be loaded: {each.fault}"
                return _unloaded(name, operation)
        return ""


def _unloaded(name: str, operation: str) -> str:
    operation = "encode" if operation == "neighbours" else operation  # with which it goes and comes
    return f", which is unloaded: POST /v2/repository/models/{name}.{operation}/load loads it again"


@dataclass(frozen=True, slots=True)
class Default:
    """The model of a request that names none.

    lacks: where it stands in for a model of photographs, which of these is missing; None elsewhere.
    """

    name: str
    lacks: str | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """The models of requests that name none.

    Args:
        operations: The model of each operation on arrays.
        picture: The model that denoises pictures, and estimates their noise; None for PHOTO.
    """

    operations: Mapping[OperationName, str]
    picture: str | None

    def of_arrays(self, operation: OperationName, registry: ModelRegistry) -> Default:
        """Return the model of an operation: the one that is set, or the only one that offers it.

        Raises:
            ModelNotFound: The one that is set is not served, and several offer the operation, or
                none does.
            OperationNotOffered: The same, while it is served with other operations.
        """
        name = self.operations.get(operation, self.picture or PHOTO)
        if registry.offering(operation, name):
            return Default(name)
        able = list(dict.fromkeys(model.name for model in registry if operation in model.batchers))
        if len(able) == 1:
            return Default(able[0])
        kind = (
            OperationNotOffered if any(model.name == name for model in registry) else ModelNotFound
        )
        raise kind(
            f"model: expected one that offers {operation} ({', '.join(able) or 'none does'}), "
            f"received none, and the default of {operation} is not served"
        )

    def of_pictures(self, operation: OperationName, registry: ModelRegistry) -> Default:
        """Return the model of pictures.

        To denoise them it is the one that is set, or the only one that takes photographs. Without
        it, the model of arrays stands in, for pictures of the size that it takes.

        Raises:
            ServiceError: As of_arrays() does.
        """
        if operation != "denoise":
            return self.of_arrays(operation, registry)
        name = self.picture or PHOTO
        if registry.offering(operation, name):
            return Default(name)
        able = list(dict.fromkeys(model.name for model in registry if model.denoiser))
        if len(able) == 1:
            return Default(able[0])
        lacks = "no model of photographs is served"
        if able:
            lacks = f"photographs need a model that takes any size, by name: {', '.join(able)}"
        elif reason := registry.reason(name, operation):
            lacks += f": expected {name}{reason}"
        return Default(self.of_arrays(operation, registry).name, lacks)
