"""A folder of models that is followed: versions come, change and go while the service runs.

Polling and control by request are one mechanism: both bring what is served in line with what was
asked to be unloaded, and with what the folder holds: polling all of it, a request the versions of
the model that it asks to be loaded. A version is loaded, verified and warmed up
aside, then takes its place at once; one that cannot be loaded takes the place of nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from service.errors import ModelNotFound, ServiceError, StartupError
from service.inference.control import Asked, Unloaded
from service.inference.held import Held, left
from service.inference.loader import find, fingerprint, nothing_in
from service.inference.model import Model
from service.inference.registry import Store, Version
from service.manifest import Manifest, OperationName

Key = tuple[str, int]
NOTHING: frozenset[OperationName] = frozenset()

log = logging.getLogger(__name__)


class Repository:
    """The store of models that a folder holds, kept in line with it."""

    def __init__(
        self,
        root: Path,
        load: Callable[[Path], Model],
        unloaded: Unloaded,
        *,
        strict: bool = True,
    ) -> None:
        """Load every version under a folder.

        load: returns a model that is verified and warm; strict: raise StartupError where any of
        them cannot be served, and not only where none can, or there is none.
        """
        self._root = root
        self._load = load
        self._unloaded = unloaded
        self._lock = asyncio.Lock()
        self._held: Mapping[Key, Held] = {}
        self._loads: Mapping[str, int] = {}
        self.store = Store({})
        asked = unloaded.read()
        self._hold(self._scan(asked, strict=strict), asked)
        known = self.store.known.values()
        faults = [each.fault for each in known if each.state == "failed"]
        if len(faults) == len(known):
            raise StartupError("; ".join(faults)) if faults else nothing_in(root)

    async def refresh(self, *, folder: bool = True) -> None:
        """Bring what is served in line with the folder; log what could not be loaded.

        folder: look at all of the folder, not only at models that were asked to be loaded. What
        was asked to be unloaded goes in any case.
        """
        async with self._lock:
            asked = await asyncio.to_thread(self._unloaded.read)
            names = {name for name, times in asked.loads.items() if times != self._loads.get(name)}
            if (folder or names) and not await asyncio.to_thread(self._root.is_dir):
                log.warning("%s: expected a folder of models, received none", self._root)
                folder, names = False, set()  # a mount that has gone takes nothing away
                asked = asked._replace(loads=self._loads)
            held = await asyncio.to_thread(self._scan, asked, None if folder else names)
            self._hold(held, asked)

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
        self._unloaded.add(name, operation)
        await self.refresh(folder=False)

    async def load(self, name: str, operation: OperationName) -> None:
        """Serve an operation of a model, and all of its versions as their folders are now.

        Raises ModelNotFound where the folder has none, and StartupError where it cannot be loaded.
        """
        if not await asyncio.to_thread(self._root.is_dir):
            raise StartupError(f"{self._root}: expected a folder of models, received none")
        folders = await asyncio.to_thread(find, self._root, strict=False)
        names = {folder.parent.name for folder in folders} | {name for name, _ in self.store.known}
        if name in names:  # any other may be no file's name
            self._unloaded.discard(name, operation)
        await self.refresh(folder=False)
        known = self.store.known.values()
        faults = [each.fault for each in known if each.name == name and each.fault]
        if faults:
            raise StartupError("; ".join(faults))
        self._check_known(name, operation)

    def _check_known(self, name: str, operation: OperationName) -> None:
        known = dict.fromkeys(
            f"{each.name}.{offered}"
            for each in self.store.known.values()
            if each.manifest
            for offered in each.manifest.operations
        )
        if f"{name}.{operation}" not in known:
            raise ModelNotFound(
                f"model: expected one of {', '.join(known)}, received {name}.{operation}"
            )

    def _hold(self, held: Mapping[Key, Held], asked: Asked) -> None:
        for key, (before, *_) in self._held.items():
            after = held[key].version.operations if key in held else []
            if gone := [each for each in before.operations if each not in after]:
                why = "" if key in held else ", as its folder has gone"
                log.info("unloaded %s %d: %s%s", *key, ", ".join(gone), why)
        self._held = held
        self._loads = asked.loads
        self.store.replace({key: each.version for key, each in held.items()})

    def _scan(
        self, asked: Asked, names: Collection[str] | None = None, *, strict: bool = False
    ) -> dict[Key, Held]:
        """Every version, loaded where it is new or has changed.

        names: of the models whose folders are looked at, None for all; the others stay, but for
        operations that were unloaded.
        """
        held = {
            key: each.without(each.unloaded | asked.unloaded.get(key[0], NOTHING))
            for key, each in self._held.items()
            if names is not None and key[0] not in names
        }
        folders = [] if names is not None and not names else find(self._root, strict=strict)
        for folder in folders:
            name = folder.parent.name
            if names is not None and name not in names:
                continue
            key = (name, int(folder.name))
            unloaded = asked.unloaded.get(name, NOTHING)
            now = fingerprint(folder)
            before = self._held.get(key)
            again = asked.loads.get(name) != self._loads.get(name)
            if (
                before
                and before.print == now
                and before.unloaded <= unloaded
                and not (again and before.version.fault)
            ):
                held[key] = before.without(unloaded)
            else:
                version = self._version(
                    folder, key, unloaded, before.version if before else None, strict=strict
                )
                held[key] = Held(version, now, unloaded)
        return held

    def _version(
        self,
        folder: Path,
        key: Key,
        unloaded: frozenset[OperationName],
        before: Version | None,
        *,
        strict: bool,
    ) -> Version:
        try:
            model = self._load(folder)
        except Exception as error:
            if strict:
                raise
            fault = str(error) if isinstance(error, ServiceError) else repr(error)
            log.error("%s %d could not be loaded: %s", *key, fault)
            kept = left(before.model, unloaded) if before and before.model else None
            manifest = before.manifest if before else _manifest(folder)
            return Version(*key, kept, manifest, fault)
        version = Version(*key, left(model, unloaded), model.manifest)
        log.info("loaded %s %d: %s", *key, ", ".join(version.operations) or "nothing")
        return version


def _manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder whose graphs cannot be loaded, None where it is no good itself."""
    try:
        return Manifest.read(folder)
    except (OSError, ValueError):
        return None
