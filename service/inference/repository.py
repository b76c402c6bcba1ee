"""A folder of models that is followed: versions come, change and go while the service runs.

Polling and control by request are one mechanism: both bring what is served in line with what the
folder holds and with what was asked to be unloaded. A version is loaded, verified and warmed up
aside, then takes its place at once; one that cannot be loaded takes the place of nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from service.errors import ModelNotFound, ServiceError, StartupError
from service.inference.loading import find
from service.inference.model import Model
from service.inference.store import Store, Version
from service.inference.unloaded import Unloaded
from service.manifest import FILE_NAME, Manifest, OperationName

Key = tuple[str, int]
Print = tuple[tuple[str, int, int], ...]
"""What tells a folder's content from another: the name, size and time of each file."""

log = logging.getLogger(__name__)


class Repository:
    """The store of models that a folder holds, kept in line with it."""

    def __init__(self, root: Path, load: Callable[[Path], Model], unloaded: Unloaded) -> None:
        """Load every version under a folder.

        load: returns a model that is verified and warm. Raises StartupError where there is none,
        or where any of them cannot be served.
        """
        self._root = root
        self._load = load
        self._unloaded = unloaded
        self._lock = asyncio.Lock()
        self._seen: dict[Key, tuple[Print, frozenset[OperationName]]] = {}
        self.store = Store({})
        versions = self._scan(strict=True)
        if not versions:
            raise StartupError(
                f"{root}: expected folders <name>/<version>/ with a {FILE_NAME}, received none"
            )
        self.store.replace(versions)

    async def refresh(self) -> None:
        """Bring what is served in line with the folder; log what could not be loaded."""
        async with self._lock:
            if not await asyncio.to_thread(self._root.is_dir):
                log.warning("%s: expected a folder of models, received none", self._root)
                return  # a mount that has gone takes nothing away
            versions = await asyncio.to_thread(self._scan)
            self.store.replace(versions)

    async def follow(self, seconds: float) -> None:
        """Refresh every so many seconds, for ever."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.refresh()
            except Exception:
                log.exception("%s could not be read; what is served stays", self._root)

    async def unload(self, name: str, operation: OperationName) -> None:
        """Stop serving an operation of every version of a model. Raises ModelNotFound."""
        self._check_known(name, operation)
        self._unloaded.add(name, operation)
        await self.refresh()

    async def load(self, name: str, operation: OperationName) -> None:
        """Serve an operation of a model, as its folder is now.

        Raises ModelNotFound where the folder has none, and StartupError where it cannot be loaded.
        """
        folders = await asyncio.to_thread(find, self._root, strict=False)
        if any(folder.parent.name == name for folder in folders):  # any other may be no file's name
            self._unloaded.discard(name, operation)
        for each in self.store.known.values():
            if each.name == name and each.fault:
                self._seen.pop((name, each.number), None)  # try again, though nothing has changed
        await self.refresh()
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

    def _scan(self, *, strict: bool = False) -> dict[Key, Version]:
        """Every version that the folder holds, loaded where it is new or has changed."""
        versions: dict[Key, Version] = {}
        seen: dict[Key, tuple[Print, frozenset[OperationName]]] = {}
        for folder in find(self._root, strict=strict):
            key = (folder.parent.name, int(folder.name))
            seen[key] = (_print(folder), self._unloaded.of(folder.parent.name))
            before = self.store.known.get(key)
            if before and self._seen.get(key) == seen[key]:
                versions[key] = before
            else:
                versions[key] = self._version(folder, key, seen[key][1], before, strict=strict)
        self._seen = seen
        return versions

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
        except ServiceError as error:
            if strict:
                raise
            log.error("%s could not be loaded: %s", folder, error)
            kept = _left(before.model, unloaded) if before and before.model else None
            manifest = before.manifest if before else _manifest(folder)
            return Version(*key, kept, manifest, str(error))
        left = _left(model, unloaded)
        log.info("loaded %s %d: %s", *key, ", ".join(left.batchers) if left else "nothing")
        return Version(*key, left, model.manifest)


def _left(model: Model, unloaded: frozenset[OperationName]) -> Model | None:
    """What of a model is to be served, None for nothing of it."""
    left = model.without(unloaded)
    return left if left.batchers else None


def _print(folder: Path) -> Print:
    return tuple(
        (path.name, status.st_size, status.st_mtime_ns)
        for path in sorted(folder.iterdir())
        for status in [path.stat()]
    )


def _manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder whose graphs cannot be loaded, None where it is no good itself."""
    try:
        return Manifest.read(folder)
    except (OSError, ValueError):
        return None
