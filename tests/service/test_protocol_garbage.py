"""Requests leave nothing to the garbage collector."""

import asyncio
import gc
import re
import socket
from pathlib import Path

import pytest
import uvicorn

from service.app import create_app
from service.server.config import Config
from service.server.http_protocol import Protocol
from service.server.limits import ConnectionLimits
from service.settings import Settings
from tests.service.running import DEFAULTS
from tests.service.tiny import write_model
from tests.service.wire import SMALL, body_of, head, images


@pytest.mark.slow
async def test_a_request_leaves_nothing_to_the_garbage_collector(tmp_path: Path) -> None:
    for name in ("mirror", "half"):
        write_model(tmp_path, name)
    defaults = {f"default_{operation}": name for operation, name in DEFAULTS.items()}
    app = create_app(Settings(models=tmp_path, device="cpu", **defaults))  # type: ignore[arg-type]
    config = Config(app, http=Protocol, log_config=None, connections=ConnectionLimits())
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        body = body_of(images(SMALL))

        async def ask(times: int) -> None:
            for _ in range(times):
                writer.write(head(len(body)) + body)
                assert (await reader.readline()).split()[1] == b"200"
                told = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", told)
                assert length
                await reader.readexactly(int(length[1]))

        await ask(10)
        gc.collect()
        gc.disable()
        try:
            await ask(50)
            left = gc.collect()
        finally:
            gc.enable()
        writer.close()
        server.should_exit = True
        await serving
    assert left < 50
