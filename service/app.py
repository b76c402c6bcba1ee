"""The ASGI application: routes, middleware and errors around loaded models, and its lifespan."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from service import __version__, allocator, components, threads
from service.api import health, jobs, models, open_inference, operations, score_stream
from service.api.codecs import image
from service.api.content_policy import ContentPolicy
from service.api.middleware import RequestIdMiddleware
from service.api.openapi import document
from service.api.problems import http_error, service_error
from service.api.routing import Serving, Shortcut
from service.errors import ServiceError
from service.images import jp2_process
from service.inference import trial
from service.inference.control import Control
from service.inference.model import Model
from service.inference.registry import Defaults
from service.inference.repository import Repository
from service.jobs.jobs import Jobs
from service.settings import Settings
from service.shutdown import GracefulShutdown
from service.telemetry.exporter import Collect, Exporter
from service.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

Load = Callable[[Path], Model]

PLAYGROUND = Path(__file__).parent / "playground"


def create_app(
    settings: Settings,
    *,
    shared: Path | None = None,
    strict: bool = True,
    load: Load | None = None,
    export: Callable[[Collect], Exporter] | None = None,
) -> ASGIApp:
    """Return the application, with every model loaded and warm.

    Args:
        settings: The settings.
        shared: A folder through which the workers of one service share repository control and
            metrics; None for a single worker.
        strict: Whether every version must load, and every default that is set must be served, or
            only one version.
        load: Returns the model of a folder; None to load its graphs into this process.
        export: Returns what exports the metrics of this process, besides what the settings say.

    Raises:
        StartupError: A model cannot be loaded, the device is not available, jobs cannot be stored
            where the settings say, or tracing is on without the extra `otel`.
    """
    for line in settings.formats_in_vain():
        log.warning(line)
    metrics = Metrics()
    tracer = components.tracer(settings)
    exporters = components.exporters(settings, metrics, export)
    exports = (tracer, *exporters, components.exported_logs(settings))
    loader = load or components.loader(settings, metrics)
    repository = Repository(
        settings.models,
        loader,
        Control(shared),
        strict=strict,
        try_out=components.try_out(settings),
    )
    if strict:
        components.check_defaults(repository.registry, settings)
    image.warm_up()
    keyring = components.keyring(settings)
    if keyring:
        metrics.has_stale_keys = keyring.is_stale
    limiter = components.limiter(settings, metrics, shared)
    serving = components.serving(settings, repository.registry, metrics, tracer)
    shutdown = GracefulShutdown(settings.drain_seconds)
    backend = components.jobs_backend(settings)
    stored = components.stored_jobs(settings, serving, backend) if backend else None
    if stored:
        metrics.tally = lambda: stored.tally
        shutdown.began = stored.rest

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        shutdown.install()
        asyncio.get_running_loop().set_default_executor(threads.started())
        await run_in_threadpool(int)  # loads what streams need, while there are descriptors
        tasks = [asyncio.create_task(allocator.trim())]
        if settings.reload_seconds:
            tasks.append(asyncio.create_task(repository.follow(settings.reload_seconds)))
        if keyring:
            tasks.append(asyncio.create_task(keyring.follow()))
        if shared:
            tasks.append(asyncio.create_task(repository.follow(1.0, folder=False)))
            tasks.append(asyncio.create_task(_share_metrics(serving)))
        update = functools.partial(_update_metrics, serving)
        tasks.extend(asyncio.create_task(each.follow(update)) for each in exporters)
        if stored:
            stored.start()
        yield
        if stored:
            await stored.stop()
        jp2_process.end()
        trial.end()
        for task in tasks:
            task.cancel()
        if limiter:
            await limiter.close()
        if shared or exporters:
            _update_metrics(serving)  # for the last time
        await asyncio.gather(*(asyncio.to_thread(each.close) for each in exports if each))

    app = FastAPIOffline(
        title="autoencoder-service",
        summary="Removes noise from photographs of any size; encodes, decodes and denoises images "
        "with autoencoders.",
        version=__version__,
        lifespan=lifespan,
        redirect_slashes=False,
        servers=[{"url": settings.root_path}] if settings.root_path else None,
        docs_url=None,  # its page has no language and no landmarks
    )
    _add_routes(app, settings, serving, repository, stored, lambda: shutdown.draining)
    app.add_middleware(ContentPolicy)
    app.add_middleware(RequestIdMiddleware)
    app.add_exception_handler(ServiceError, service_error)
    app.add_exception_handler(HTTPException, http_error)
    return components.guarded(Shortcut(app), settings, keyring, limiter, serving)


def _add_routes(
    app: FastAPI,
    settings: Settings,
    serving: Serving,
    repository: Repository,
    stored: Jobs | None,
    is_draining: Callable[[], bool],
) -> None:
    defaults = Defaults(settings.defaults, settings.default_picture)
    endpoints = components.endpoints(settings, serving)
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
            score_stream.route(serving),
            *jobs.routes(stored, serving, endpoints, is_draining),
            *protocol,
            *models.create_router(repository.registry, defaults).routes,
            *health.create_router(serving, is_draining).routes,
            *health.create_metrics(serving).routes,
        ]
    )
    document(
        app,
        repository.registry,
        defaults,
        needs_key=settings.has_keys,
        has_quotas=settings.has_quotas,
    )
    app.mount("/playground", StaticFiles(directory=PLAYGROUND), name="playground")
    app.add_api_route("/", _playground, include_in_schema=False)
    app.add_api_route("/docs", _documentation, include_in_schema=False)


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


async def _playground() -> FileResponse:
    return FileResponse(PLAYGROUND / "index.html")


async def _documentation() -> FileResponse:
    return FileResponse(PLAYGROUND / "api" / "index.html")
