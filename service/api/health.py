"""GET /health/live, /health/ready and /metrics, for orchestrators and Prometheus."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from service.api.openapi import problems
from service.api.routing import Serving
from service.api.schemas import Health
from service.errors import NotLive, NotReady

OPENMETRICS = "application/openmetrics-text"


def hung(serving: Serving) -> str:
    """Return which batch has run for twice as long as a request may take, or ""."""
    limit = max(60.0, 2 * serving.timeout)
    for model in serving.registry:
        for operation, batcher in model.batchers.items():
            if batcher.busy_for() > limit:
                return (
                    f"{operation} of {model.name}: expected a batch to end within {limit:g} s, "
                    f"received none for {batcher.busy_for():.0f} s"
                )
    return ""


def create_router(serving: Serving, is_draining: Callable[[], bool]) -> APIRouter:
    """Return the routes of liveness and readiness.

    Args:
        serving: The models, and the time limit of requests.
        is_draining: Returns whether graceful shutdown has begun.
    """
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live", responses=problems({503: "A batch has hung"}))
    async def live() -> Health:
        """The service runs, and no batch has run for longer than any request may take."""
        if fault := hung(serving):
            raise NotLive(fault)
        return Health(status="live")

    @router.get("/ready", responses=problems({503: "The service is shutting down"}))
    async def ready() -> Health:
        """Every model is loaded and warm: the service listens no sooner. It is not stopping."""
        if is_draining():
            raise NotReady("the service is shutting down")
        return Health(status="ready")

    return router


def create_metrics(serving: Serving) -> APIRouter:
    """Return the route that Prometheus scrapes."""
    router = APIRouter(tags=["health"])

    @router.get("/metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        """The metrics, in Prometheus's text format, or in OpenMetrics' if Accept names it."""
        encode: Callable[[CollectorRegistry], bytes] = generate_latest
        media_type = CONTENT_TYPE_PLAIN_0_0_4
        if OPENMETRICS in request.headers.get("accept", ""):
            encode, media_type = openmetrics.generate_latest, openmetrics.CONTENT_TYPE_LATEST
        serving.metrics.update(serving.registry, serving.admission)
        text = await asyncio.to_thread(serving.metrics.text, encode)
        return Response(text, media_type=media_type)

    return router
