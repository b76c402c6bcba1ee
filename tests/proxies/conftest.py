"""One service, and each proxy in front of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxies.proxy import NAMES, Name, Proxy, proxy
from tests.service.running import Running, running
from tests.service.tiny import write_model

PATH = "/denoise-me"
"""Where clients find the service, as far as it knows."""


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that believes proxies on 127.0.0.1."""
    root = tmp_path_factory.mktemp("proxies")
    for name in ("mirror", "half", "photo"):
        write_model(root / "models", name)
    flags = ("--trusted-proxies=127.0.0.1", f"--root-path={PATH}", "--log-format=json")
    with running(root / "models", *flags, f"--jobs-dir={root / 'jobs'}") as service:
        yield service


@pytest.fixture(scope="session")
def port(service: Running) -> int:
    """The port of the service."""
    return int(service.own_url.rpartition(":")[2])


@pytest.fixture(scope="session", params=NAMES)
def name(request: pytest.FixtureRequest) -> Name:
    """The name of a proxy."""
    chosen: Name = request.param
    return chosen


@pytest.fixture(scope="session")
def proxied(name: Name, port: int) -> Iterator[Proxy]:
    """A proxy in front of the service."""
    with proxy(name, port) as made:
        yield made


def connections(port: int) -> int:
    """Return how many connections a port of this machine has now."""
    told = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = (line.split() for line in told)
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)
