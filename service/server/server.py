"""Run uvicorn with the application, in one process or in several workers on one port."""

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

from service import allocator
from service.errors import ServiceError, StartupError
from service.server.jobs_folder import with_jobs_folder
from service.server.security_headers import security_headers
from service.server.supervision import end_with_supervisor
from service.server.workers import Workers
from service.setting_names import named, unknown, variable
from service.settings import Settings
from service.telemetry import logging as logs

STOP = (signal.SIGTERM, signal.SIGINT)
STARTED, FAILURE = "started", "failure"
"""Files in the folder that workers share: one has started; why the first could not."""

log = logging.getLogger("service")


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: The settings, valid each by itself.

    Returns:
        The exit status: 0, or 1 if the workers failed.

    Raises:
        StartupError: A setting names what does not exist, or the address cannot be bound.
    """
    for number in STOP:  # nothing to clean up yet, and an exception could break an import
        signal.signal(number, lambda *_: os._exit(0))
    logs.set_up(settings.log_level, settings.log_format)
    for name, near in unknown(os.environ, Settings.model_fields).items():
        log.warning(
            "%s: expected the name of a setting%s, received another, which is ignored",
            name,
            f" ({' or '.join(near)})" if near else "",
        )
    if not settings.has_keys and not (settings.is_loopback and not settings.trusted_proxies):
        proxied = f" through a proxy ({variable('trusted_proxies')})"
        log.warning(
            "anybody who reaches %s%s may use the service: expected API keys (%s), received none",
            settings.host,
            proxied if settings.trusted_proxies else "",
            variable("api_keys_file"),
        )
    try:
        bound = _bind(settings.host, settings.port)
    except StartupError:
        from service.app import create_app

        create_app(settings)  # raises for a setting that is wrong, which is reported first
        raise
    with bound:
        settings = with_jobs_folder(settings)
        if settings.workers > 1:
            return _run_workers(settings, bound)
    # The address was free a moment ago. uvicorn binds it again once the models are loaded.
    return _run_alone(settings)


def _bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address, not listening yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with contextlib.ExitStack() as cleaning:
            bound = cleaning.enter_context(socket.socket(family, proto=socket.IPPROTO_TCP))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # as asyncio does for one process
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
    # uvicorn raises the signal that stopped it once more, after the last response.
    for number in STOP:
        signal.signal(number, _end)
    server.run()
    return 0


def _end(*_: object) -> None:
    """Exit at once: the interpreter would wait for a tile that runs, which nobody waits for."""
    logging.shutdown()
    os._exit(0)


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
    from service.server.config import Config
    from service.server.descriptors import within_descriptors
    from service.server.http_protocol import Protocol
    from service.server.limits import ConnectionLimits

    return Config(
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
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        headers=security_headers(is_shared=bool(settings.cors_origins)),
        timeout_graceful_shutdown=settings.shutdown_seconds,
        connections=ConnectionLimits(
            connections=within_descriptors(settings.max_connections),
            head_seconds=settings.head_seconds,
            rate=settings.min_rate,
            read_rate=settings.min_read_rate,
            read_seconds=settings.timeout,
        ),
    )


def _create(settings: Settings, shared: Path | None = None, *, strict: bool = True) -> ASGIApp:
    from service.app import create_app

    allocator.bound()
    app = create_app(settings, shared=shared, strict=strict)
    # Later collections skip what exists now: p99 at 32 connections was 18-28 ms, and is 5-8 ms.
    gc.collect()
    gc.freeze()
    return app


def _create_worker(settings: Settings, shared: Path) -> ASGIApp:
    """Return the application of one of several workers, in the worker's process."""
    logs.set_up(settings.log_level, settings.log_format)
    end_with_supervisor()
    try:
        if settings.device != "cpu":
            number = _claim_number(shared)
            settings = settings.model_copy(update={"cuda_device": settings.cuda_device + number})
        # A replacement serves the models that load, as the other workers do.
        app = _create(settings, shared, strict=not (shared / STARTED).exists())
        (shared / STARTED).touch()
        return app
    except ServiceError as error:
        if (shared / STARTED).exists():  # others serve, and the next one may start
            log.error("%s: %s", error.title, error)
            time.sleep(1)
            sys.exit(1)
        # Every worker fails so; the first one's reason is reported.
        try:
            with contextlib.suppress(FileExistsError), (shared / FAILURE).open("x") as file:
                file.write(str(error))
        except OSError:  # there is no room for it either
            log.error("%s: %s", error.title, error)
    except Exception:
        log.exception("Cannot start")
    sys.exit(STARTUP_FAILURE)  # any other status would restart it, for ever


_locks: list[IO[str]] = []
"""Open for as long as the process lives, as their locks are."""


def _claim_number(shared: Path) -> int:
    """Return the lowest number that no living worker has, so that each has its own GPU."""
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
            _locks.append(file)
            return number
