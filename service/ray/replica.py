"""A replica of the service in a process of Ray's."""

import asyncio
import gc
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from service import allocator, components
from service.app import create_app
from service.ray.error_page import write_page
from service.ray.health import ask_live
from service.ray.ingress import ingress
from service.ray.metrics import RayMetrics
from service.ray.scale import Scale
from service.ray.split import remote_loader
from service.settings import Settings
from service.telemetry import logging as logs


class Replica:
    """The service, as Ray Serve starts, watches and stops it."""

    async def __init__(  # type: ignore[misc]
        self, settings: Settings, handles: Mapping[str, Any] | None = None
    ) -> None:
        """Load every model and warm it up: Ray sends no request before.

        Args:
            settings: The settings.
            handles: Ray's handles of deployments that run the models; None to run them here.

        Raises:
            StartupError: As create_app() raises it.
        """
        logs.set_up(settings.log_level, settings.log_format)
        allocator.bound()
        load = None
        if handles is not None:
            scale = Scale()
            self._counting = asyncio.create_task(scale.follow())
            trace = components.propagation(settings)
            loop = asyncio.get_running_loop()
            load = remote_loader(handles, loop, lambda: scale.replicas, trace)
        # In a thread, as models of other deployments are asked for on the event loop meanwhile.
        app = await asyncio.to_thread(create_app, settings, load=load, export=RayMetrics)
        self._app = ingress(app, settings)
        gc.collect()
        gc.freeze()

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """Return what serves requests."""
        return self._app

    async def check_health(self) -> None:
        """Raise where GET /health/live fails: Ray then replaces the replica."""
        write_page()  # a proxy that has started since has written its own
        await ask_live(self._app)
