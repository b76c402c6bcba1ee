"""The service in a process of its own, over tiny models."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.proxies.chosen import fronted

ROOT = Path(__file__).parents[2]
DEFAULTS = {"encode": "mirror", "decode": "mirror", "denoise": "half"}


@dataclass(frozen=True)
class Running:
    """A service that is ready.

    Attributes:
        url: Where it answers: at a proxy's address, if tests ask through one.
        process: Its process.
        log: The file of what it logs.
        own_url: Its own address.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    own_url: str

    def connect(self) -> socket.socket:
        """Return a connection to where it answers."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return socket.create_connection((host, int(port)), timeout=30)


@contextlib.contextmanager
def running(
    models: Path, *flags: str, environment: Mapping[str, str] | None = None, expected: int = 0
) -> Iterator[Running]:
    """Serve models on the CPU; stop as an operator does, and expect a status of its end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = models.parent / f"log-{port}.txt"
    named = [f"--default-{operation}={name}" for operation, name in DEFAULTS.items()]
    named.append(f"--default-picture={DEFAULTS['denoise']}")
    command = [sys.executable, "-m", "service", "serve", f"--port={port}", f"--models={models}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--device=cpu", *named, *flags],
            cwd=ROOT,
            env=os.environ | (environment or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, process, log)
        with fronted(url) as asked:
            yield Running(asked, process, log, url)
    finally:
        process.terminate()
        status = process.wait(60)
    assert status == expected, log.read_text()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    # Without `verify=False` httpx loads the certificates of all authorities for each call.
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(
                f"{url}/health/ready", timeout=5, trust_env=False, verify=False
            ).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(f"expected the service to become ready, received:\n{log.read_text()}")
