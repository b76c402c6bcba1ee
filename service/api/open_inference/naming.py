"""Models in the protocol: each operation of a model is one, named <name>.<operation>."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, get_args

from service.errors import ModelNotFound, one_of
from service.inference.model import Model
from service.inference.reconstruction import offered
from service.inference.registry import ModelRegistry
from service.manifest import OperationName

OPERATIONS: Mapping[str, OperationName] = {
    each: each for each in get_args(OperationName) if each != "neighbours"
}
"""Neighbours are named by texts, which tensors here have not."""


class Served(NamedTuple):
    """An operation of a model, found by name.

    Attributes:
        name: <name>.<operation>.
        model: The version that is meant.
        operation: The operation.
        versions: Every version that is ready, the newest first.
    """

    name: str
    model: Model
    operation: OperationName
    versions: list[int]


class Entry(NamedTuple):
    """The state of an operation of a version, in the protocol's words."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str


def find(registry: ModelRegistry, name: str, version: str | None = None) -> Served:
    """Return what a name stands for.

    Args:
        registry: The models.
        name: <name>.<operation>.
        version: The version's number; None for the newest that is ready.

    Raises:
        ModelNotFound: It is unknown or not ready; the message says why, and names those that are.
    """
    base, operation = split(registry, name)
    models = registry.offering(operation, base)
    versions = [model.version for model in models]
    for model in models:
        if version is None or str(model.version) == version:
            return Served(name, model, operation, versions)
    if models:
        ready = one_of(reversed(versions))
        raise ModelNotFound(f"version: expected {ready} of {name}, received {version!r}")
    raise _unknown(registry, name)


def split(registry: ModelRegistry, name: str) -> tuple[str, OperationName]:
    """Return the model's name and the operation. Raises ModelNotFound for an unknown operation."""
    base, _, suffix = name.rpartition(".")
    operation = OPERATIONS.get(suffix)
    if operation is None:
        raise _unknown(registry, name)
    return base, operation


def entries(registry: ModelRegistry) -> Iterator[Entry]:
    """Yield the state of every operation of every version, by name, the newest first."""
    for version in registry.known.values():
        number = str(version.number)
        if version.manifest is None:  # so its operations are unknown
            yield Entry(version.name, number, "UNAVAILABLE", version.fault)
            continue
        for operation in offered(version.manifest):
            if operation not in OPERATIONS:
                continue
            name = f"{version.name}.{operation}"
            if version.model and operation in version.model.batchers:
                yield Entry(name, number, "READY", version.fault)
            else:
                yield Entry(name, number, "UNAVAILABLE", version.fault or "unloaded")


def _unknown(registry: ModelRegistry, name: str) -> ModelNotFound:
    known = list(entries(registry))
    ready = dict.fromkeys(each.name for each in known if each.state == "READY")
    why = dict.fromkeys(each.reason for each in known if each.name == name)
    return ModelNotFound(
        f"model: expected {one_of(ready)}, received {name!r}"
        + ("" if name.rpartition(".")[2] in OPERATIONS else ", which names no operation")
        + (f", which is not ready: {'; '.join(why)}" if why else "")
    )
