"""Both clients, and the service over tiny models that they talk to."""

import asyncio
import inspect
import shutil
import subprocess
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.client import AsyncClient, Client
from tests.service.indexed import write_index
from tests.service.running import running
from tests.service.tiny import FURTHER, TINY, write_model


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a service in a process of its own."""
    models = tmp_path_factory.mktemp("client") / "models"
    for name in (*TINY, *FURTHER):
        write_model(models, name)
    write_model(models, "half", 2)
    shades = np.repeat([0.0, 0.5, 1.0], 16).reshape(3, 16)
    indexed = write_model(models, "mirror", name="indexed")
    write_index(indexed, shades, [("black", "dark"), ("gray", "dark"), ("white", "light")])
    rows = [[4, 1, 0], [1.5, 0, 1]]
    write_index(models / "table" / "1", np.array(rows), [("red", None), ("green", None)])
    jobs = f"--jobs-dir={models.parent / 'jobs'}"
    with running(models, "--default-picture=informed", jobs) as service:
        yield service.url


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with key.pem and cert.pem, which is of localhost and signed by nobody else."""
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-noenc", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


class Blocking:
    """An AsyncClient, or a job of one, whose calls block, so that tests ask both clients alike."""

    def __init__(self, wrapped: Any, runner: asyncio.Runner) -> None:
        self._wrapped = wrapped
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._wrapped, name)
        return self._calling(found) if inspect.ismethod(found) else found

    def _calling(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            result = method(*arguments, **options)
            if isinstance(result, AsyncGenerator):
                return self._all(result)
            result = self._runner.run(result)
            is_plain = not hasattr(result, "cancel")
            return result if is_plain else Blocking(result, self._runner)

        return call

    def _all(self, results: AsyncGenerator[Any]) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(results)

        while True:
            try:
                yield self._runner.run(following())
            except StopAsyncIteration:
                return


Connect = Callable[..., Any]
"""Makes a client of a URL, with further arguments."""


@pytest.fixture(params=["Client", "AsyncClient"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Make a client of either kind."""
    made: list[Any] = []
    with asyncio.Runner() as runner:

        def of(url: str, **options: Any) -> Any:
            if request.param == "Client":
                made.append(Client(url, **options))
            else:
                made.append(Blocking(AsyncClient(url, **options), runner))
            return made[-1]

        yield of
        for client in made:
            client.close()


@pytest.fixture
def client(connect: Connect, url: str) -> Any:
    """A client of either kind, of the service."""
    return connect(url)


@pytest.fixture(autouse=True)
def _in_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy of the environment come between."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def example() -> Path:
    """A noisy photograph."""
    return Path(__file__).parents[2] / "docs" / "examples" / "photo-noisy.jpg"
