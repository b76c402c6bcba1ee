"""What the workers of a service were asked to unload and to load, known to every one of them."""

import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, get_args

from service.manifest import OperationName

OPERATIONS: Mapping[str, OperationName] = {each: each for each in get_args(OperationName)}
LOADS = "loads"


class Asked(NamedTuple):
    """What was asked for until now.

    unloaded: the operations to do without, by the model's name; loads: how often each model was
    asked to be loaded.
    """

    unloaded: Mapping[str, frozenset[OperationName]]
    loads: Mapping[str, int]


class Unloaded:
    """A set of operations of models, and a count of what was taken out of it again.

    Several workers share a folder: an empty file for each operation that is unloaded, and one for
    each model that was asked to be loaded, with a byte for each time.
    """

    def __init__(self, shared: Path | None = None) -> None:
        """shared: a folder that every worker can write, or None for a set of this process alone."""
        self._shared = shared
        self._names: set[tuple[str, OperationName]] = set()
        self._loads: Counter[str] = Counter()
        if shared:
            shared.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, operation: OperationName) -> None:
        if self._shared:
            (self._shared / f"{name}.{operation}").touch()
        else:
            self._names.add((name, operation))

    def discard(self, name: str, operation: OperationName) -> None:
        """Take an operation out, and count that its model was asked to be loaded."""
        if self._shared:
            # In this order: who sees the count sees what it stands for.
            (self._shared / f"{name}.{operation}").unlink(missing_ok=True)
            with (self._shared / f"{name}.{LOADS}").open("a") as file:
                file.write(".")
        else:
            self._names.discard((name, operation))
            self._loads[name] += 1

    def read(self) -> Asked:
        """Return what was asked for, by any of the workers."""
        if self._shared is None:
            return _asked(self._names, dict(self._loads))
        names: set[tuple[str, OperationName]] = set()
        # The counts first: what is counted has left the set by then.
        loads = {path.stem: path.stat().st_size for path in self._shared.glob(f"*.{LOADS}")}
        for entry in os.listdir(self._shared):  # noqa: PTH208 - names are all that is wanted
            name, _, suffix = entry.rpartition(".")
            if suffix in OPERATIONS:
                names.add((name, OPERATIONS[suffix]))
        return _asked(names, loads)


def _asked(names: set[tuple[str, OperationName]], loads: Mapping[str, int]) -> Asked:
    unloaded: defaultdict[str, frozenset[OperationName]] = defaultdict(frozenset)
    for name, operation in names:
        unloaded[name] |= {operation}
    return Asked(dict(unloaded), loads)
