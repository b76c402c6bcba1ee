"""The ASGI application: models, routes, error translation; nothing else."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from service import __version__
from service.api import health, models, open_inference, operations, photos
from service.api.codecs import image as pictures
from service.api.middleware import Envelope
from service.api.openapi import document
from service.api.pipeline import Limits, Serving
from service.api.problems import http_error, service_error
from service.api.routing import Shortcut
from service.errors import ServiceError, StartupError
from service.inference.admission import Admission
from service.inference.control import Control
from service.inference.device import CUDA
from service.inference.loader import load
from service.inference.model import Model
from service.inference.registry import Defaults, Store
from service.inference.repository import Repository
from service.settings import Settings, named, variable
from service.shutdown import GracefulShutdown
from service.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from service.telemetry.tracing import Tracer

log = logging.getLogger(__name__)

PLAYGROUND = Path(__file__).parent / "playground"


def create_app(settings: Settings, *, shared: Path | None = None, strict: bool = True) -> ASGIApp:
    """Return the application with every model loaded and warm.

    shared: a folder in which the workers of one service agree on what is loaded, where there are
    several; strict: raise StartupError where any version or a default model is not as it should
    be, and not only where none can be served. Raises it too where the device is not, or where
    traces are wanted without the extra `otel`.
    """
    tracer = _tracer() if settings.traces else None
    metrics = Metrics()
    repository = Repository(
        settings.models, _loader(settings, metrics), Control(shared), strict=strict
    )
    if strict:
        _check_defaults(repository.store, settings)
    pictures.warm_up()
    serving = Serving(
        repository.store,
        Admission(
            max_items=settings.max_queue_items,
            max_bytes=settings.max_queue_bytes,
            max_pixels=settings.max_queue_pixels,
            # The other half is for what is not known: how fast those inside really go.
            patience=settings.timeout / 2,
            settings=(
                variable("max_queue_items"),
                variable("max_queue_bytes"),
                variable("max_queue_pixels"),
            ),
        ),
        metrics,
        Limits(
            body_bytes=settings.max_body_bytes,
            output_bytes=settings.max_output_bytes,
            pixels=settings.max_pixels,
            steps=settings.max_steps,
        ),
        settings.timeout,
        tracer,
    )
    shutdown = GracefulShutdown(settings.drain_seconds)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        shutdown.install()
        tasks = []
        if settings.reload_seconds:
            tasks.append(asyncio.create_task(repository.follow(settings.reload_seconds)))
        if shared:
            tasks.append(asyncio.create_task(repository.follow(1.0, folder=False)))
            tasks.append(asyncio.create_task(_share_metrics(serving)))
        yield
        for task in tasks:
            task.cancel()
        if shared:
            _update_metrics(serving)  # for the last time
        if tracer:
            await asyncio.to_thread(tracer.close)

    app = FastAPIOffline(
        title="autoencoder-service",
        summary="Encode, decode and denoise images with autoencoders.",
        version=__version__,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    defaults = Defaults(settings.defaults, settings.default_picture)
    photographs = photos.Photographs(serving.limits)
    app.router.routes.extend(operations.routes(serving, defaults, photographs))
    app.router.routes.extend(
        open_inference.routes(
            serving,
            repository,
            settings.max_batch,
            lambda: shutdown.draining,
            control=settings.controls_repository,
        )
    )
    for router in (
        models.create_router(repository.store, defaults),
        health.create_router(serving, lambda: shutdown.draining),
        health.create_metrics(serving),
    ):
        app.router.routes.extend(router.routes)
    document(app, repository.store, defaults)
    app.mount("/playground", StaticFiles(directory=PLAYGROUND), name="playground")
    app.add_api_route("/", _playground, include_in_schema=False)
    app.add_middleware(Envelope)
    app.add_exception_handler(ServiceError, service_error)
    app.add_exception_handler(HTTPException, http_error)
    return Shortcut(app)


def _tracer() -> "Tracer":
    try:
        from service.telemetry import tracing
    except ImportError as error:
        raise StartupError(
            f"{named('traces')}: expected the extra [otel] to be installed, received: {error}; "
            "install opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http, or turn them off"
        ) from error
    return tracing.create()


def _loader(settings: Settings, metrics: Metrics) -> Callable[[Path], Model]:
    """What loads a folder's model and warms it up."""
    execution = settings.execution

    def load_warm(folder: Path) -> Model:
        nonlocal execution
        model = load(folder, execution=execution, max_batch=settings.max_batch, observe=metrics.ran)
        if model.provider != CUDA:
            execution = replace(execution, device="cpu")  # nor will it run for the next model
        # CUDA prepares for each size of a batch by itself; the CPU has only memory to prepare.
        try:
            model.warm_up(settings.max_batch if model.provider == CUDA else 1)
        except Exception as error:
            raise StartupError(f"{folder}: expected graphs that run, received: {error}") from error
        return model

    return load_warm


async def _share_metrics(serving: Serving) -> None:
    """Update this worker's metrics each second, as a scrape may reach any worker."""
    while True:
        _update_metrics(serving)
        await asyncio.sleep(1)


def _update_metrics(serving: Serving) -> None:
    try:
        serving.metrics.update(serving.store, serving.admission)
    except Exception:
        log.exception("cannot update the metrics of this worker")


def _check_defaults(store: Store, settings: Settings) -> None:
    """A default that was set must exist; those built in need not, where other models are served."""
    defaults = [(f"default_{operation}", operation) for operation in settings.defaults]
    for setting, operation in [*defaults, ("default_picture", "denoise")]:
        name = getattr(settings, setting)
        if name and setting in settings.model_fields_set:
            try:
                store.get_for(operation, name)
            except ServiceError as error:
                raise StartupError(f"{named(setting)}: {error}") from error


async def _playground() -> FileResponse:
    return FileResponse(PLAYGROUND / "index.html")
