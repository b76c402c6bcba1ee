"""Fixtures of the tests of the project as a whole: its folder, and a running service."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def address(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a service that the command line started in the project's folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("service")
    log = folder / "log.txt"
    with log.open("wb") as output:
        service = subprocess.Popen(
            [sys.executable, "-m", "service", "serve", "--port", str(port)],
            cwd=root,
            env=os.environ | {"SERVICE_JOBS_DIR": str(folder / "jobs")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, service, log)
        yield url
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
