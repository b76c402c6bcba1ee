"""The model repository: what is served follows a folder of models and the control commands.

Polling and control commands are one mechanism: both bring the served versions in line with what is
unloaded and with what the folder holds. Polling looks at the whole folder, a command at the models
with a new load command. A version is loaded, verified and warmed up in a thread, then replaces the
old one at once; one that cannot be loaded replaces nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from service.errors import ModelNotFound, ServiceError, StartupError, one_of
from service.inference.control import Commands, Control
from service.inference.loader import Fingerprint, find, fingerprint, nothing_in
from service.inference.model import Model
from service.inference.reconstruction import offered
from service.inference.registry import ModelRegistry, Version
from service.manifest import Manifest, OperationName, regular

Key = tuple[str, int]
Operations = frozenset[OperationName]

CARD = "README.md"
"""The model card in a model's folder."""
LARGEST_CARD = 1024 * 1024
"""Characters of a card; a longer one is left out."""

log = logging.getLogger(__name__)


class _Held(NamedTuple):
    """A version, the content of the folder that it was loaded from, and what was unloaded of it."""

    version: Version
    content: Fingerprint
    unloaded: Operations

    def without(self, unloaded: Operations) -> "_Held":
        """Return it with these operations unloaded; no graph is loaded or run for that."""
        if unloaded == self.unloaded:
            return self
        model = self.version.model and _remaining(self.version.model, unloaded)
        return _Held(replace(self.version, model=model), self.content, unloaded)


class Repository:
    """Keeps a registry of models in line with a folder.

    Attributes:
        registry: The versions, served or not.
    """

    def __init__(
        self,
        root: Path,
        load: Callable[[Path], Model],
        control: Control,
        *,
        strict: bool = True,
        try_out: Callable[[Path], None] | None = None,
    ) -> None:
        """Load every version under a folder.

        Args:
            root: The folder of models.
            load: Returns the verified and warm model of a folder <name>/<version>/.
            control: The commands of all workers.
            strict: Whether every version must load, or at least one.
            try_out: Raises for a folder whose model would take too much; called before it is
                loaded, unless every version must load, or a worker has loaded it.

        Raises:
            StartupError: There is no version, none can be loaded, or, if strict, one cannot.
        """
        self._root = root
        self._load = load
        self._try_out = try_out
        self._control = control
        self._lock = asyncio.Lock()
        self._held: Mapping[Key, _Held] = {}
        self._loads: Mapping[str, int] = {}
        self.registry = ModelRegistry({})
        commands = control.read()
        self._hold(self._scan(commands, strict=strict), commands)
        known = self.registry.known.values()
        faults = [each.fault for each in known if each.state == "failed"]
        if len(faults) == len(known):
            raise StartupError("; ".join(faults)) if faults else nothing_in(root)

    async def refresh(self, *, folder: bool = True) -> None:
        """Bring the registry in line with the folder and the commands; log what cannot be loaded.

        Args:
            folder: Whether to look at the whole folder, or only at models with a new load command.
        """
        async with self._lock:
            commands = await asyncio.to_thread(self._control.read)
            names = {
                name for name, times in commands.loads.items() if times != self._loads.get(name)
            }
            if (folder or names) and not await asyncio.to_thread(self._root.is_dir):
                log.warning("%s: expected a folder of models, received none", self._root)
                folder, names = False, set()  # a mount that has gone unloads nothing
                commands = commands._replace(loads=self._loads)
            held = await asyncio.to_thread(self._scan, commands, None if folder else names)
            self._hold(held, commands)

    async def follow(self, seconds: float, *, folder: bool = True) -> None:
        """Refresh every so many seconds, for ever."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.refresh(folder=folder)
            except Exception:
                log.exception("%s could not be read; what is served stays", self._root)

    async def unload(self, name: str, operation: OperationName) -> None:
        """Stop serving an operation of every version of a model. Raises ModelNotFound."""
        self._check_known(name, operation)
        self._control.unload(name, operation)
        await self.refresh(folder=False)

    async def load(self, name: str, operation: OperationName) -> None:
        """Serve an operation of a model, with every version as its folder is now.

        Raises:
            ModelNotFound: There is no such model or operation.
            StartupError: The folder is missing, or a version of the model cannot be loaded.
        """
        if not await asyncio.to_thread(self._root.is_dir):
            raise StartupError(f"{self._root}: expected a folder of models, received none")
        folders = await asyncio.to_thread(find, self._root, strict=False)
        names = {folder.parent.name for folder in folders} | {
            name for name, _ in self.registry.known
        }
        if name in names:  # any other name may not be usable as a file's
            self._control.load(name, operation)
        await self.refresh(folder=False)
        known = self.registry.known.values()
        faults = [each.fault for each in known if each.name == name and each.fault]
        if faults:
            raise StartupError("; ".join(faults))
        self._check_known(name, operation)

    def _check_known(self, name: str, operation: OperationName) -> None:
        known = dict.fromkeys(
            f"{each.name}.{operation}"
            for each in self.registry.known.values()
            if each.manifest
            for operation in offered(each.manifest)
        )
        if f"{name}.{operation}" not in known:
            raise ModelNotFound(f"model: expected {one_of(known)}, received {name}.{operation}")

    def _hold(self, held: Mapping[Key, _Held], commands: Commands) -> None:
        for key, (before, *_) in self._held.items():
            after = held[key].version.operations if key in held else []
            if gone := [each for each in before.operations if each not in after]:
                reason = "" if key in held else ", as its folder has gone"
                log.info("unloaded %s %d: %s%s", *key, ", ".join(gone), reason)
        self._held = held
        self._loads = commands.loads
        self.registry.replace({key: each.version for key, each in held.items()})

    def _scan(
        self, commands: Commands, names: Collection[str] | None = None, *, strict: bool = False
    ) -> dict[Key, _Held]:
        """Return every version, loaded again where it is new or has changed.

        Args:
            commands: What is unloaded, and which models have a new load command.
            names: Models whose folders are looked at, None for all.
            strict: Whether a version that cannot be loaded is an error.
        """
        nothing: Operations = frozenset()
        held = {
            key: each.without(each.unloaded | commands.unloaded.get(key[0], nothing))
            for key, each in self._held.items()
            if names is not None and key[0] not in names
        }
        folders = [] if names is not None and not names else find(self._root, strict=strict)
        for folder in folders:
            name = folder.parent.name
            if names is not None and name not in names:
                continue
            key = (name, int(folder.name))
            unloaded = commands.unloaded.get(name, nothing)
            content = fingerprint(folder)
            before = self._held.get(key)
            told_to_load = commands.loads.get(name) != self._loads.get(name)
            if (
                before
                and before.content == content
                and before.unloaded <= unloaded
                and not (told_to_load and before.version.fault)
            ):
                held[key] = before.without(unloaded)
            else:
                last = before.version if before else None
                version = self._version(folder, content, unloaded, last, strict=strict)
                held[key] = _Held(version, content, unloaded)
        return held

    def _version(
        self,
        folder: Path,
        content: Fingerprint,
        unloaded: Operations,
        last: Version | None,
        *,
        strict: bool,
    ) -> Version:
        """Load a version; if that fails, the last one stays."""
        key = (folder.parent.name, int(folder.name))
        token = sha256(repr((key, content)).encode()).hexdigest()
        try:
            # A worker that replaces another starts as fast, unless it is the model that ended that.
            if self._try_out and not strict and not self._control.has_loaded(token):
                self._try_out(folder)
            model = self._load(folder)
            self._control.note_loaded(token)
        except Exception as error:
            if strict:
                raise
            fault = str(error) if isinstance(error, ServiceError) else repr(error)
            log.error("%s %d could not be loaded: %s", *key, fault)
            kept = _remaining(last.model, unloaded) if last and last.model else None
            manifest = last.manifest if last else _manifest(folder)
            return Version(*key, kept, manifest, fault, *_described(folder))
        remaining = _remaining(model, unloaded)
        version = Version(*key, remaining, model.manifest, "", *_described(folder))
        log.info("loaded %s %d: %s", *key, ", ".join(version.operations) or "nothing")
        return version


def _remaining(model: Model, unloaded: Operations) -> Model | None:
    """A model without these operations, None if no other is left."""
    remaining = model.without(unloaded)
    return remaining if remaining.batchers else None


def _manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder whose graphs cannot be loaded, None if it cannot be read either."""
    try:
        return Manifest.read(folder)
    except (OSError, ValueError):
        return None


def _described(folder: Path) -> tuple[int, str]:
    """The bytes of a folder's files, and the model card among them; nothing if it has gone."""
    try:
        size = sum(file.stat().st_size for file in folder.iterdir())
    except OSError:
        return 0, ""
    try:
        with regular(folder, CARD).open(encoding="utf-8") as file:
            card = file.read(LARGEST_CARD + 1)
    except (OSError, ValueError):
        return size, ""
    return size, card if len(card) <= LARGEST_CARD else ""
