"""GET /health/live and /health/ready, for whoever starts and restarts the service."""

from fastapi import APIRouter

from service.api.schemas import Health

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
async def live() -> Health:
    """The service runs."""
    return Health(status="live")


@router.get("/ready")
async def ready() -> Health:
    """Every model is loaded and warm: the service listens no sooner."""
    return Health(status="ready")
