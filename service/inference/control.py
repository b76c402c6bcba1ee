"""Repository control: which operations are unloaded, and the load commands of each model, counted.

The Open Inference Protocol's load and unload reach one worker; all of them have to follow.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, get_args

from service.manifest import OperationName

OPERATIONS: Mapping[str, OperationName] = {each: each for each in get_args(OperationName)}
LOADS, LOADED = "loads", "loaded"


class Commands(NamedTuple):
    """The effect of all commands so far.

    Attributes:
        unloaded: Operations that are not to be served, by the model's name.
        loads: Load commands of each model, counted.
    """

    unloaded: Mapping[str, frozenset[OperationName]]
    loads: Mapping[str, int]


class Control:
    """The commands of one process, or of all workers that share a folder.

    The folder holds an empty file for each unloaded operation, a file for each model with load
    commands, one byte for each, and an empty file for each content that a worker has loaded.
    """

    def __init__(self, shared: Path | None = None) -> None:
        """Start with nothing unloaded.

        Args:
            shared: A folder that every worker can write, None for a single process.
        """
        self._shared = shared
        self._unloaded: set[tuple[str, OperationName]] = set()
        self._loads: Counter[str] = Counter()
        self._loaded: set[str] = set()
        if shared:
            shared.mkdir(parents=True, exist_ok=True)

    def unload(self, name: str, operation: OperationName) -> None:
        """Record that an operation of a model is not to be served."""
        if self._shared:
            (self._shared / f"{name}.{operation}").touch()
        else:
            self._unloaded.add((name, operation))

    def load(self, name: str, operation: OperationName) -> None:
        """Record that an operation of a model is to be served, and count the command."""
        if self._shared:
            # In this order: a worker that sees the count sees the operation, too.
            (self._shared / f"{name}.{operation}").unlink(missing_ok=True)
            with (self._shared / f"{name}.{LOADS}").open("a") as file:
                file.write(".")
        else:
            self._unloaded.discard((name, operation))
            self._loads[name] += 1

    def note_loaded(self, content: str) -> None:
        """Record that a version of this content has been loaded, and runs."""
        if self._shared:
            (self._shared / f"{content}.{LOADED}").touch()
        else:
            self._loaded.add(content)

    def has_loaded(self, content: str) -> bool:
        """Return whether any worker has loaded a version of this content."""
        if self._shared:
            return (self._shared / f"{content}.{LOADED}").exists()
        return content in self._loaded

    def read(self) -> Commands:
        """Return the commands of all workers."""
        if self._shared is None:
            return _commands(self._unloaded, dict(self._loads))
        unloaded: set[tuple[str, OperationName]] = set()
        # The counts first: an operation leaves the folder before its load is counted.
        loads = {path.stem: path.stat().st_size for path in self._shared.glob(f"*.{LOADS}")}
        for entry in os.listdir(self._shared):  # noqa: PTH208 - only names are needed
            name, _, suffix = entry.rpartition(".")
            if suffix in OPERATIONS:
                unloaded.add((name, OPERATIONS[suffix]))
        return _commands(unloaded, loads)


def _commands(names: set[tuple[str, OperationName]], loads: Mapping[str, int]) -> Commands:
    unloaded: defaultdict[str, frozenset[OperationName]] = defaultdict(frozenset)
    for name, operation in names:
        unloaded[name] |= {operation}
    return Commands(dict(unloaded), loads)
