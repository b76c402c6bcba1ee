"""The service with the shipped models, in a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.proxies.chosen import fronted


@contextlib.contextmanager
def serving(
    root: Path, folder: Path, *, options: Sequence[str] = (), **environment: str
) -> Iterator[str]:
    """Yield the URL of a service that the command line started in the project's folder.

    Args:
        root: The project's folder.
        folder: Where its log and its jobs are written.
        options: Options of its Python.
        environment: Further variables of its environment.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "log.txt"
    with log.open("wb") as output:
        service = subprocess.Popen(
            [sys.executable, *options, "-m", "service", "serve", "--port", str(port)],
            cwd=root,
            env=os.environ | {"SERVICE_JOBS_DIR": str(folder / "jobs")} | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, service, log)
        with fronted(url) as asked:
            yield asked
    finally:
        service.terminate()
        status = service.wait(60)
    assert status == 0, log.read_text()


def _wait_until_ready(url: str, service: subprocess.Popen[bytes], log: Path) -> None:
    open_url = build_opener(ProxyHandler({})).open
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and service.poll() is None:
        try:
            with open_url(f"{url}/health/ready", timeout=5):
                return
        except (OSError, HTTPException):
            time.sleep(0.1)
    pytest.fail(f"expected the service to become ready, received:\n{log.read_text()}")
