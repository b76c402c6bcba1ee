"""Connections to a server in this process, and what they are told when they end."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx
import uvicorn
from starlette.types import ASGIApp

from service.server.config import Config
from service.server.http_protocol import Protocol
from service.server.limits import ConnectionLimits

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
JSON_BODY = b'{"inputs":' + json.dumps([[[0.5] * 4] * 4]).encode() + b"}"


@dataclass(frozen=True)
class Serving:
    """A server in this process.

    Attributes:
        address: Its host and port.
        connections: The server's side of each connection.
    """

    address: tuple[str, int]
    connections: set[Protocol]

    async def connect(self, start: bytes = b"") -> Streams:
        """Return a connection on which something is sent."""
        streams = await asyncio.open_connection(*self.address, limit=1024)
        streams[1].write(start)
        return streams

    async def check_others(self) -> None:
        """Check that somebody else is served."""
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            url = f"http://{self.address[0]}:{self.address[1]}/denoise"
            headers = {"Content-Type": "application/json"}
            assert (await client.post(url, content=JSON_BODY, headers=headers)).status_code == 200


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, limits: ConnectionLimits) -> AsyncIterator[Serving]:
    """Serve an application within limits."""
    config = Config(app, http=Protocol, log_config=None, lifespan="off", connections=limits)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        running = asyncio.create_task(server.serve([listening]))
        try:
            yield Serving(listening.getsockname(), server.server_state.connections)  # type: ignore[arg-type]
        finally:
            server.should_exit = True
            await running


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)


async def received(streams: Streams) -> bytes:
    """Return all that comes until the server closes a connection, which it does."""
    reader, writer = streams
    try:
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()


def problem(answer: bytes, status: int, code: str) -> str:
    """Check that an answer is a problem of a status and code; return its head and detail."""
    told, _, body = answer.partition(b"\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in told
    told = told.lower()
    assert b"connection: close" in told
    document = json.loads(body)
    assert (document["status"], document["code"]) == (status, code)
    return told.decode() + str(document["detail"])


async def drip(writer: asyncio.StreamWriter, drop: bytes) -> None:
    """Send drop by drop."""
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.05)
