"""What the tests of the benchmarks share: a server whose answers they decide."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.benchmarks.scripted import ScriptedServer


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
        server.over.set()
        await asyncio.sleep(0.05)  # whoever was answering sees that the client has gone
