"""The service over tiny models."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from tests.service.tiny import TINY, Start, write_model


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
