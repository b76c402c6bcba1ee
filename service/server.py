"""The HTTP server around the application: uvicorn, in one process or in several on one port."""

import gc
import logging
import os
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import IO

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from service.errors import ServiceError
from service.settings import Settings
from service.telemetry import logs

log = logging.getLogger("service")


def run(settings: Settings) -> int:
    """Serve until told to stop; return the status to exit with: 0, or 1 where no worker started.

    Raises StartupError where the service cannot start as it is set up.
    """
    logs.set_up(settings.log_level, settings.log_format)
    return _run_alone(settings) if settings.workers == 1 else _run_workers(settings)


def _run_alone(settings: Settings) -> int:
    # Once requests in flight are answered, uvicorn raises the signal that stopped it once more.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.Server(_config(settings, partial(_create, settings))).run()
    return 0


def _run_workers(settings: Settings) -> int:
    from service.telemetry.metrics import SHARED

    with tempfile.TemporaryDirectory(prefix="autoencoder-service-") as name:
        shared = Path(name)
        metrics = shared / "metrics"
        metrics.mkdir()
        os.environ[SHARED] = str(metrics)
        config = _config(settings, partial(_create_worker, settings, shared))
        supervisor = Multiprocess(config, [config.bind_socket()])
        supervisor.run()
        failed = any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes)
    return 1 if failed else 0


def _config(settings: Settings, factory: partial[ASGIApp]) -> uvicorn.Config:
    from service.protocol import Protocol

    return uvicorn.Config(
        factory,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="asyncio" if sys.platform == "win32" else "uvloop",
        http=Protocol,
        ws="none",
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


def _create(settings: Settings, shared: Path | None = None) -> ASGIApp:
    from service.app import create_app

    app = create_app(settings, shared=shared)
    # What is there now stays: no later collection needs to look at it again.
    gc.collect()
    gc.freeze()
    return app


def _create_worker(settings: Settings, shared: Path) -> ASGIApp:
    """The application of one of several workers, in its own process."""
    logs.set_up(settings.log_level, settings.log_format)
    try:
        if settings.device != "cpu":
            number = _claim(shared)
            settings = settings.model_copy(update={"cuda_device": settings.cuda_device + number})
        return _create(settings, shared)
    except ServiceError as error:
        log.error("%s: %s", error.title, error)
    except Exception:
        log.exception("Cannot start")
    sys.exit(STARTUP_FAILURE)  # with any other status it would be started again, for ever


_claimed: list[IO[str]] = []


def _claim(shared: Path) -> int:
    """The first number that no other living worker has, so that each has a GPU of its own."""
    import fcntl

    number = 0
    while True:
        file = (shared / f"worker-{number}").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            number += 1
        else:
            _claimed.append(file)  # held, and so locked, as long as the process lives
            return number
