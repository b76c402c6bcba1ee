"""A replica of a model: runs batches of the requests that all replicas of the service send it."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from service import allocator, components
from service.api.health import hung
from service.errors import NotLive
from service.inference.model import LoadedModel
from service.inference.queue import BACKGROUND
from service.inference.registry import ModelRegistry, Version
from service.manifest import OperationName
from service.ray.content import Content
from service.ray.messages import OperationStatus, RunRequest, RunResponse
from service.ray.metrics import RayMetrics
from service.ray.scale import Scale
from service.settings import Settings
from service.telemetry import logging as logs
from service.telemetry.metrics import Metrics

VERSIONS = 4
"""Contents of a model that a replica keeps loaded: Ray unloads the least recently used one."""


class MultiplexedModel:
    """A loaded version, as Ray keeps it among its multiplexed models.

    Attributes:
        model: The version.
    """

    def __init__(self, model: LoadedModel, unload: Callable[[LoadedModel], None]) -> None:
        """Create one.

        Args:
            model: The version.
            unload: Called with it in any thread once Ray unloads it, and again when this is
                collected.
        """
        self.model = model
        self._unload = unload

    def __del__(self) -> None:  # which Ray calls to unload a model
        self._unload(self.model)


class ModelReplica:
    """The versions of one model in a process of Ray's, each loaded when it is first asked for."""

    def __init__(self, settings: Settings, newest: Path) -> None:
        """Prepare to load versions.

        Args:
            settings: The settings: device, threads, batches.
            newest: The folder of the version that is loaded before the replica is ready.
        """
        logs.set_up(settings.log_level, settings.log_format)
        allocator.bound()
        self._newest = newest
        self._metrics = Metrics()
        self._load = components.loader(settings, self._metrics)
        self._registry = ModelRegistry({})
        self._changing = threading.RLock()  # a collection may unload a model at any time
        self._serving = components.serving(settings, self._registry, self._metrics, None)
        self._tracer = components.tracer(settings)
        self._exporters = components.exporters(settings, self._metrics, RayMetrics)
        self._exports = (
            self._tracer,
            *self._exporters,
            components.exported_logs(settings),
        )
        self._scale = Scale()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> str:
        """Begin to export metrics; return which content is to be loaded first."""
        update = partial(self._metrics.update, self._registry, self._serving.admission)
        self._tasks.extend(asyncio.create_task(each.follow(update)) for each in self._exporters)
        for each in (allocator.trim(), self._scale.follow()):
            self._tasks.append(asyncio.create_task(each))
        return str(Content.of(self._newest))

    async def load(self, identity: str) -> MultiplexedModel:
        """Return a version, loaded and warm; its health and metrics count until Ray unloads it.

        Args:
            identity: Its content, as str() writes it.

        Raises:
            StartupError: It cannot be loaded, or this machine has another content.
        """
        content = Content.parse(identity)
        await asyncio.to_thread(content.verify)
        model = await asyncio.to_thread(self._load, content.folder)
        version = Version(model.name, model.version, model, model.manifest)
        with self._changing:
            known = self._registry.known
            self._registry.replace({**known, (version.name, version.number): version})
        return MultiplexedModel(model, self._unload)

    def _unload(self, model: LoadedModel) -> None:
        """Forget a version, unless another content of the same number has replaced it."""
        with self._changing:
            known = self._registry.known
            kept = {key: each for key, each in known.items() if each.model is not model}
            if len(kept) < len(known):
                self._registry.replace(kept)

    async def describe(self, model: LoadedModel) -> dict[OperationName, OperationStatus]:
        """Return what a version offers."""
        return {
            name: OperationStatus(
                batcher.session.provider, batcher.throughput.seconds(1), self._scale.replicas
            )
            for name, batcher in model.batchers.items()
        }

    async def run(self, model: LoadedModel, request: RunRequest) -> RunResponse:
        """Run a request in a batch with those that wait beside it.

        Raises:
            InvalidValue: The outputs are not finite.
        """
        batcher = model.batchers[request.operation]
        BACKGROUND.set(_always if request.background else None)
        trace = self._tracer.run if self._tracer else _untraced
        with trace(request.trace, model, request.operation):
            result = await batcher.submit(
                request.array, request.steps, request.sigma, request.profile, request.caller
            )
        seconds = batcher.throughput.seconds(1)
        return RunResponse(result.output, result.inference, seconds, self._scale.replicas)

    async def check_health(self) -> None:
        """Raise where a batch hangs: Ray then replaces the replica."""
        if fault := hung(self._serving):
            raise NotLive(fault)

    async def close(self) -> None:
        """Export what is left of traces, metrics and logs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(asyncio.to_thread(each.close) for each in self._exports if each))


def multiplexed() -> Any:
    """Return the class whose instances Ray runs: it asks for a version by multiplexed_model_id."""
    from ray import serve

    class Multiplexed(ModelReplica):
        async def __init__(self, settings: Settings, newest: Path) -> None:  # type: ignore[misc]
            super().__init__(settings, newest)
            await self.version(await self.start())

        @serve.multiplexed(max_num_models_per_replica=VERSIONS)  # type: ignore[untyped-decorator]
        async def version(self, identity: str) -> MultiplexedModel:
            return await self.load(identity)

        async def describe_version(self) -> dict[OperationName, OperationStatus]:
            version = await self.version(serve.get_multiplexed_model_id())
            return await self.describe(version.model)

        async def run_version(self, request: RunRequest) -> RunResponse:
            version = await self.version(serve.get_multiplexed_model_id())
            return await self.run(version.model, request)

        async def __del__(self) -> None:  # which Ray calls before it ends the process
            await self.close()

    return Multiplexed


def _always() -> bool:
    return True


def _untraced(*_: object) -> contextlib.nullcontext[None]:
    return contextlib.nullcontext()
