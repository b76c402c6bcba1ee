"""The HTTP server around the application: uvicorn, in one process or in several on one port."""

import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import IO

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from service.errors import ServiceError, StartupError
from service.server.workers import Workers
from service.settings import Settings, named, unknown
from service.telemetry import logging as logs

STOP = (signal.SIGTERM, signal.SIGINT)
STARTED, FAILURE = "started", "failure"
"""Files of the folder that workers share: a worker has started; why the first that could not."""

log = logging.getLogger("service")


def run(settings: Settings) -> int:
    """Serve until told to stop; return the status to exit with: 0, or 1 where workers failed.

    Raises StartupError where the service cannot start as it is set up.
    """
    for told in STOP:  # nothing has begun, and an exception would break the import it comes upon
        signal.signal(told, lambda *_: os._exit(0))
    logs.set_up(settings.log_level, settings.log_format)
    for name, near in unknown(os.environ).items():
        log.warning(
            "%s: expected the name of a setting%s, received another, which is ignored",
            name,
            f" ({' or '.join(near)})" if near else "",
        )
    try:
        bound = _bind(settings.host, settings.port)
    except StartupError:
        from service.app import create_app

        create_app(settings)  # raises for a setting that is wrong, which is reported first
        raise
    with bound:
        if settings.workers > 1:
            return _run_workers(settings, bound)
    # The address was free a moment ago. uvicorn binds it again once the models are loaded.
    return _run_alone(settings)


def _bind(host: str, port: int) -> socket.socket:
    """A socket that has the address, on which nobody listens yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with contextlib.ExitStack() as cleaning:
            bound = cleaning.enter_context(socket.socket(family, proto=socket.IPPROTO_TCP))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # as one process has it, by asyncio
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind((host, port))
            cleaning.pop_all()
    except OSError as error:
        raise StartupError(
            f"{named('host')}, {named('port')}: expected an address to listen on, "
            f"received {host}:{port}: {error.strerror}"
        ) from error
    return bound


def _run_alone(settings: Settings) -> int:
    server = uvicorn.Server(_config(settings, partial(_create, settings)))
    # Once requests in flight are answered, uvicorn raises the signal that stopped it once more.
    for told in STOP:
        signal.signal(told, lambda *_: sys.exit(0))
    server.run()
    return 0


def _run_workers(settings: Settings, bound: socket.socket) -> int:
    from service.telemetry.metrics import SHARED

    with tempfile.TemporaryDirectory(prefix="autoencoder-service-") as name:
        shared = Path(name)
        metrics = shared / "metrics"
        metrics.mkdir()
        os.environ[SHARED] = str(metrics)
        config = _config(settings, partial(_create_worker, settings, shared))
        supervisor = Workers(config, bound)
        supervisor.run()
        if (shared / FAILURE).exists():
            raise StartupError((shared / FAILURE).read_text())
        failed = any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes)
    return 1 if failed else 0


def _config(settings: Settings, factory: partial[ASGIApp]) -> uvicorn.Config:
    from service.server.http_protocol import Protocol

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


def _create(settings: Settings, shared: Path | None = None, *, strict: bool = True) -> ASGIApp:
    from service.app import create_app

    app = create_app(settings, shared=shared, strict=strict)
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
        # One that takes the place of another serves what it can, as the others go on serving.
        app = _create(settings, shared, strict=not (shared / STARTED).exists())
        (shared / STARTED).touch()
        return app
    except ServiceError as error:
        if (shared / STARTED).exists():  # the folder may be back soon, and others serve meanwhile
            log.error("%s: %s", error.title, error)
            time.sleep(1)
            sys.exit(1)
        # All of them fail so, and one of them says it.
        with contextlib.suppress(FileExistsError), (shared / FAILURE).open("x") as file:
            file.write(str(error))
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
