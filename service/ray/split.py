"""Models whose graphs are in other replicas: what a replica of the service knows of them."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from service.errors import StartupError, one_of
from service.inference.loader import read
from service.inference.model import Model
from service.inference.neighbours.search import open_items
from service.inference.reconstruction import offered
from service.manifest import OperationName
from service.ray.calls import call
from service.ray.content import Content
from service.ray.messages import OperationStatus
from service.ray.remote_executor import RemoteExecutor


def remote_loader(
    handles: Mapping[str, Any],
    loop: asyncio.AbstractEventLoop,
    service_replicas: Callable[[], int],
    trace: Callable[[], Mapping[str, str]] = dict,
) -> Callable[[Path], Model]:
    """Return a function that returns the model of a folder, once a replica has loaded it.

    Args:
        handles: Ray's handle of the deployment of each model.
        loop: The event loop, which runs while the function waits in a thread.
        service_replicas: Returns how many replicas of the service there are.
        trace: Returns the headers of the trace of what is submitted now.
    """

    def load(folder: Path) -> Model:
        manifest = read(folder)
        if manifest.name not in handles:
            raise StartupError(
                f"{folder}: expected a model that has a deployment ({one_of(handles)}), received "
                f"{manifest.name}: deploy the application again"
            )
        opening = _open(handles[manifest.name], str(Content.of(folder)))
        run, statuses = asyncio.run_coroutine_threadsafe(opening, loop).result()
        return Model(
            manifest,
            {
                name: RemoteExecutor(name, operation, statuses[name], run, service_replicas, trace)
                for name, operation in offered(manifest).items()
            },
            open_items(folder, manifest.index) if manifest.index else None,
        )

    return load


async def _open(handle: Any, identity: str) -> tuple[Any, dict[OperationName, OperationStatus]]:
    """Return what runs a version, and what a replica that has loaded it says of its operations.

    Where Ray's router has no event loop of its own, handles are made on this one.
    """
    version = handle.options(multiplexed_model_id=identity)
    return version.run_version, await call(version.describe_version)
