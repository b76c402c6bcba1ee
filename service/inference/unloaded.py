"""Which operations were asked to go, shared by every worker of a service."""

from pathlib import Path

from service.manifest import OperationName


class Unloaded:
    """A set of operations of models; a folder of empty files where several workers share it."""

    def __init__(self, shared: Path | None = None) -> None:
        """shared: a folder that every worker can write, or None for a set of this process alone."""
        self._shared = shared
        self._names: set[tuple[str, OperationName]] = set()
        if shared:
            shared.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, operation: OperationName) -> None:
        if self._shared:
            (self._shared / f"{name}.{operation}").touch()
        else:
            self._names.add((name, operation))

    def discard(self, name: str, operation: OperationName) -> None:
        if self._shared:
            (self._shared / f"{name}.{operation}").unlink(missing_ok=True)
        else:
            self._names.discard((name, operation))

    def of(self, name: str) -> frozenset[OperationName]:
        """Return the operations of a model that were asked to go."""
        operations: tuple[OperationName, ...] = ("encode", "decode", "denoise")
        if self._shared is None:
            return frozenset(each for each in operations if (name, each) in self._names)
        return frozenset(each for each in operations if (self._shared / f"{name}.{each}").exists())
