"""The ASGI application: loads the models, and puts routes, middleware and errors together."""

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
from service.api import estimate, health, jobs, models, open_inference, operations
from service.api.codecs import image, photographs
from service.api.jobs.document import described
from service.api.jobs.replay import Replay
from service.api.middleware import RequestIdMiddleware
from service.api.openapi import OPERATIONS, document
from service.api.problems import http_error, service_error
from service.api.routing import Limits, Serving, Shortcut
from service.errors import ServiceError, StartupError
from service.inference.admission import Admission
from service.inference.control import Control
from service.inference.device import CUDA
from service.inference.loader import load
from service.inference.model import Model
from service.inference.registry import Defaults, ModelRegistry
from service.inference.repository import Repository
from service.jobs.backend import Backend, open_folder, open_redis
from service.jobs.jobs import Jobs, Options
from service.jobs.progress import JobAdmission
from service.manifest import OperationName
from service.settings import Settings, named, variable
from service.shutdown import GracefulShutdown
from service.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from service.telemetry.tracing import Tracer

log = logging.getLogger(__name__)

PLAYGROUND = Path(__file__).parent / "playground"
NO_TIMEOUT = 1e8
"""Seconds that a job may take: years, as no client waits for it."""


def create_app(settings: Settings, *, shared: Path | None = None, strict: bool = True) -> ASGIApp:
    """Return the application, with every model loaded and warm.

    Args:
        settings: The settings.
        shared: A folder through which the workers of one service share repository control and
            metrics; None for a single worker.
        strict: Whether every version must load, and every default that is set must be served, or
            only one version.

    Raises:
        StartupError: A model cannot be loaded, the device is not available, jobs cannot be stored
            where the settings say, or tracing is on without the extra `otel`.
    """
    for line in settings.formats_in_vain():
        log.warning(line)
    metrics = Metrics()
    tracer = _tracer() if settings.traces else None
    loader = _loader(settings, metrics)
    repository = Repository(settings.models, loader, Control(shared), strict=strict)
    if strict:
        _check_defaults(repository.registry, settings)
    image.warm_up()
    serving = Serving(
        repository.registry,
        _admission(settings),
        metrics,
        Limits(
            body_bytes=settings.max_body_bytes,
            output_bytes=settings.max_output_bytes,
            pixels=settings.max_pixels,
            steps=settings.max_steps,
            photographs=settings.max_photographs,
            policy=settings.policy,
        ),
        settings.timeout,
        tracer,
    )
    shutdown = GracefulShutdown(settings.drain_seconds)
    backend = _jobs_backend(settings)
    stored = _jobs(settings, serving, backend) if backend else None
    if stored:
        metrics.tally = lambda: stored.tally
        shutdown.began = stored.rest

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        shutdown.install()
        tasks = []
        if settings.reload_seconds:
            tasks.append(asyncio.create_task(repository.follow(settings.reload_seconds)))
        if shared:
            tasks.append(asyncio.create_task(repository.follow(1.0, folder=False)))
            tasks.append(asyncio.create_task(_share_metrics(serving)))
        if stored:
            stored.start()
        yield
        if stored:
            await stored.stop()
        for task in tasks:
            task.cancel()
        if shared:
            _update_metrics(serving)  # for the last time
        if tracer:
            await asyncio.to_thread(tracer.close)

    app = FastAPIOffline(
        title="autoencoder-service",
        summary="Removes noise from photographs of any size; encodes, decodes and denoises images "
        "with autoencoders.",
        version=__version__,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    _add_routes(app, settings, serving, repository, stored, lambda: shutdown.draining)
    app.add_middleware(RequestIdMiddleware)
    app.add_exception_handler(ServiceError, service_error)
    app.add_exception_handler(HTTPException, http_error)
    return Shortcut(app)


def _admission(settings: Settings) -> Admission:
    return Admission(
        max_items=settings.max_queue_items,
        max_bytes=settings.max_queue_bytes,
        max_pixels=settings.max_queue_pixels,
        # The other half of the time is a margin: waits are estimates.
        patience=settings.timeout / 2,
        settings=(
            variable("max_queue_items"),
            variable("max_queue_bytes"),
            variable("max_queue_pixels"),
        ),
    )


def _add_routes(
    app: FastAPI,
    settings: Settings,
    serving: Serving,
    repository: Repository,
    stored: Jobs | None,
    is_draining: Callable[[], bool],
) -> None:
    defaults = Defaults(settings.defaults, settings.default_picture)
    endpoints = _endpoints(settings, serving)
    protocol = open_inference.routes(
        serving,
        repository,
        settings.max_batch,
        is_draining,
        control=settings.controls_repository,
    )
    app.router.routes.extend(
        [
            *operations.routes(endpoints),
            *jobs.routes(stored, serving, endpoints, is_draining),
            *protocol,
            *models.create_router(repository.registry, defaults).routes,
            *health.create_router(serving, is_draining).routes,
            *health.create_metrics(serving).routes,
        ]
    )
    document(app, repository.registry, defaults)
    app.mount("/playground", StaticFiles(directory=PLAYGROUND), name="playground")
    app.add_api_route("/", _playground, include_in_schema=False)


def _endpoints(settings: Settings, serving: Serving) -> operations.Endpoints:
    """Return the endpoints of the operations."""
    defaults = Defaults(settings.defaults, settings.default_picture)
    of_photographs: dict[OperationName, operations.CodecOf] = {
        "denoise": photographs.codecs(serving.limits),
        "estimate": estimate.codecs(serving.limits),
    }
    return {
        operation: operations.Operation(operation, serving, defaults, of_photographs)
        for operation in OPERATIONS
    }


def _jobs_backend(settings: Settings) -> Backend | None:
    """Return what stores jobs, None where they are off."""
    if settings.jobs_url and settings.jobs_dir:
        raise StartupError(
            f"{named('jobs_dir')}, {named('jobs_url')}: expected one of them, received both"
        )
    if settings.jobs_url:
        return open_redis(settings.jobs_url, settings.jobs_keep_seconds, named("jobs_url"))
    if not settings.jobs_dir:
        return None
    try:
        return open_folder(Path(settings.jobs_dir))
    except OSError as error:
        raise StartupError(
            f"{named('jobs_dir')}: expected a folder that can be written, received: {error}"
        ) from error


def _jobs(settings: Settings, serving: Serving, backend: Backend) -> Jobs:
    """Return the jobs: their endpoints have no time limit, and an admission of their own."""
    admission = JobAdmission(
        max_items=settings.max_queue_items,
        max_bytes=settings.max_queue_bytes,
        max_pixels=settings.max_queue_pixels,
    )
    endpoints = _endpoints(settings, replace(serving, admission=admission, timeout=NO_TIMEOUT))
    options = Options(
        settings.jobs_max,
        settings.jobs_max_bytes,
        settings.jobs_keep_seconds,
        settings.jobs_concurrency,
        settings.jobs_callback_hosts,
        (variable("jobs_max"), variable("jobs_max_bytes"), variable("jobs_callback_hosts")),
    )
    return Jobs(backend, options, lambda stored: Replay(stored, endpoints), described)


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
    """Return a function that loads the model of a folder and warms it up."""
    execution = settings.execution

    def load_warm(folder: Path) -> Model:
        nonlocal execution
        model = load(folder, execution=execution, max_batch=settings.max_batch, observe=metrics.ran)
        if execution.device == "auto" and model.provider != CUDA:
            execution = replace(execution, device="cpu")  # do not try CUDA again for the next model
        # CUDA prepares each batch size by itself; the CPU only allocates memory.
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
        serving.metrics.update(serving.registry, serving.admission)
    except Exception:
        log.exception("cannot update the metrics of this worker")


def _check_defaults(registry: ModelRegistry, settings: Settings) -> None:
    """Raise StartupError where a default that is set is not served; built-in ones need not be."""
    defaults = [(f"default_{operation}", operation) for operation in settings.defaults]
    for setting, operation in [*defaults, ("default_picture", "denoise")]:
        name = getattr(settings, setting)
        if name and setting in settings.model_fields_set:
            try:
                registry.get_for(operation, name)
            except ServiceError as error:
                raise StartupError(f"{named(setting)}: {error}") from error


async def _playground() -> FileResponse:
    return FileResponse(PLAYGROUND / "index.html")
