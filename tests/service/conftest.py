"""The service over tiny models."""

import logging
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
from tests.service.gate import Gate
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


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with every tiny model, "half" in two versions."""
    root = tmp_path / "models"
    for name in TINY:
        write_model(root, name)
    write_model(root, "half", 2)
    return root


@pytest.fixture
async def start(models: Path) -> AsyncIterator[Start]:
    """Start the service over the tiny models with given settings; return a client of it."""
    clients: list[httpx.AsyncClient] = []

    def with_settings(**settings: Any) -> httpx.AsyncClient:
        defaults: dict[str, Any] = {
            "models": models,
            "device": "cpu",
            "default_encode": "mirror",
            "default_decode": "mirror",
            "default_denoise": "half",
            "default_picture": "half",
        }
        app = create_app(Settings(**(defaults | settings)))
        transport = httpx.ASGITransport(app=app)
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://service"))
        return clients[-1]

    yield with_settings
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(start: Start) -> httpx.AsyncClient:
    """A client of the service with default settings."""
    return start()


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
