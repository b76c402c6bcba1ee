"""The ASGI application: models, routers, error translation; nothing else."""

from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from service import __version__
from service.api import health, models, operations, pictures
from service.api.envelope import Envelope, ProblemResponse
from service.errors import ServiceError, StartupError
from service.inference.store import Store
from service.settings import Settings

PLAYGROUND = Path(__file__).parent / "playground"


def create_app(settings: Settings) -> FastAPI:
    """Return the application with every model loaded and warm.

    Raises StartupError where a model, a default model or the device is not as it should be.
    """
    store = Store.open(settings.models, device=settings.device)
    _check_defaults(store, settings)
    pictures.warm_up()
    app = FastAPIOffline(
        title="autoencoder-service",
        summary="Encode, decode and denoise images with autoencoders.",
        version=__version__,
    )
    limits = operations.Limits(
        body_bytes=settings.max_body_bytes,
        output_bytes=settings.max_output_bytes,
        pixels=settings.max_pixels,
        steps=settings.max_steps,
    )
    app.include_router(operations.create_router(store, settings.defaults, limits))
    app.include_router(models.create_router(store, settings.defaults))
    app.include_router(health.router)
    app.mount("/playground", StaticFiles(directory=PLAYGROUND), name="playground")
    app.add_api_route("/", _playground, include_in_schema=False)
    app.add_middleware(Envelope)
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _invalid_query)
    app.add_exception_handler(HTTPException, _http_error)
    return app


def _check_defaults(store: Store, settings: Settings) -> None:
    """A default that was set must exist; those built in need not, where other models are served."""
    for operation, name in settings.defaults.items():
        setting = f"default_{operation}"
        if setting in settings.model_fields_set:
            try:
                store.get_for(operation, name)
            except ServiceError as error:
                raise StartupError(f"{setting}: {error}") from error


async def _playground() -> FileResponse:
    return FileResponse(PLAYGROUND / "index.html")


async def _service_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, ServiceError)
    headers = getattr(request.state, "headers", None)
    return ProblemResponse(error.status, error.code, error.title, str(error), headers)


async def _invalid_query(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    detail = "; ".join(
        f"{each['loc'][-1]}: {each['msg']}, received {each['input']!r}" for each in error.errors()
    )
    return ProblemResponse(422, "invalid-value", "Invalid value", detail)


async def _http_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    return ProblemResponse(
        error.status_code,
        title.lower().replace(" ", "-"),
        title,
        f"{request.method} {request.url.path}: {error.detail}",
        dict(error.headers or {}),
    )
