"""The service over tiny models."""

import logging
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.inference import batcher
from service.inference.pixels import Floats
from service.inference.session import Session
from service.settings import Settings
from tests.proxies.chosen import Through, chosen, close_all
from tests.service.clock import Clock
from tests.service.gate import Gate
from tests.service.running import Running
from tests.service.tiny import TINY, Start, write_model


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Undo what a service that starts does to the logging of its process."""
    root, access = logging.getLogger(), logging.getLogger("uvicorn.access")
    before = root.handlers[:], root.level, access.disabled
    yield
    root.handlers, level, access.disabled = before
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _no_default_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a service that is given no port pick a free one: another may have the default."""
    monkeypatch.setenv("SERVICE_PORT", "0")


@pytest.fixture(autouse=True, scope="module")
async def _no_proxy_is_left() -> AsyncIterator[None]:
    yield
    await close_all()


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every tiny model, "half" in two versions, which no test changes."""
    root = tmp_path_factory.mktemp("tiny") / "models"
    for name in TINY:
        write_model(root, name)
    write_model(root, "half", 2)
    return root


@pytest.fixture
def models(tmp_path: Path, tiny_models: Path) -> Path:
    """A copy of the tiny models for one test."""
    return Path(shutil.copytree(tiny_models, tmp_path / "models"))


def client_of(models: Path, **settings: Any) -> httpx.AsyncClient:
    """Start the service over tiny models; return a client of it."""
    defaults: dict[str, Any] = {
        "models": models,
        "device": "cpu",
        "default_encode": "mirror",
        "default_decode": "mirror",
        "default_denoise": "half",
        "default_picture": "half",
        "load_seconds": 0,
    }
    app = create_app(Settings(**(defaults | settings)))
    name = chosen()
    transport = Through(app, name) if name else httpx.ASGITransport(app)
    return httpx.AsyncClient(
        transport=transport, base_url="http://service", timeout=60 if name else 5
    )


@pytest.fixture
async def start(models: Path) -> AsyncIterator[Start]:
    """Start the service over the tiny models with given settings; return a client of it."""
    clients: list[httpx.AsyncClient] = []

    def with_settings(**settings: Any) -> httpx.AsyncClient:
        clients.append(client_of(models, **settings))
        return clients[-1]

    yield with_settings
    for client in clients:
        await client.aclose()


@pytest.fixture(scope="module")
async def shared_client(tiny_models: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one service for all tests of a file, as long as they leave its models alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVICE_PORT", "0")
        client = client_of(tiny_models)
    yield client
    await client.aclose()


@pytest.fixture
def client(start: Start) -> httpx.AsyncClient:
    """A client of the service with default settings."""
    return start()


@pytest.fixture
def connection(service: Running) -> Iterator[socket.socket]:
    """A connection to the service of a file of tests, which has one in a process of its own."""
    with service.connect() as connection:
        yield connection


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the service under test, which the test sets forward."""
    return Clock(monkeypatch)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A gate before every batch, each of which takes a thread, however brief it is."""
    gate = Gate()
    run = Session.run

    def wait(session: Session, array: Floats, *arguments: Any) -> Any:
        gate.pass_through(len(array))
        return run(session, array, *arguments)

    monkeypatch.setattr(Session, "run", wait)
    monkeypatch.setattr(batcher, "BRIEF", 0.0)
    yield gate
    gate.open()
