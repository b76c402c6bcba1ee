"""A replica: the whole service in a process of Ray's."""

import gc

from starlette.types import ASGIApp

from service import allocator
from service.app import create_app
from service.ray.health import ask_live
from service.ray.ingress import ingress
from service.settings import Settings
from service.telemetry import logging as logs


class Replica:
    """The service, as Ray Serve starts, watches and stops it."""

    def __init__(self, settings: Settings) -> None:
        """Load every model and warm it up: Ray sends no request before.

        Args:
            settings: The settings.

        Raises:
            StartupError: As create_app() raises it.
        """
        logs.set_up(settings.log_level, settings.log_format)
        allocator.bound()
        self._app = ingress(create_app(settings), settings)
        gc.collect()
        gc.freeze()

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """Return what serves requests."""
        return self._app

    async def check_health(self) -> None:
        """Raise where GET /health/live fails: Ray then replaces the replica."""
        await ask_live(self._app)
