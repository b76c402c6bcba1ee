"""Clients that take their time hold nobody else up, and too many connections are told so."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from service.app import create_app
from service.server import connections
from service.server.bounded_protocol import BEYOND
from service.server.config import OTHERS, Config
from service.server.connection_limits import ConnectionLimits
from service.server.http_protocol import Protocol
from service.settings import Settings
from tests.service.running import DEFAULTS
from tests.service.wire import LARGE, SMALL, body_of, head, images

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
JSON_BODY = b'{"inputs":' + json.dumps([[[0.5] * 4] * 4]).encode() + b"}"


@pytest.fixture(scope="module")
def app(tiny_models: Path) -> ASGIApp:
    defaults = {f"default_{operation}": name for operation, name in DEFAULTS.items()}
    return create_app(Settings(models=tiny_models, device="cpu", **defaults))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK", 0.02)
    monkeypatch.setattr(connections, "WINDOW", 0.3)


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, limits: ConnectionLimits) -> AsyncIterator[tuple[str, int]]:
    """Serve an application within limits; yield its address."""
    config = Config(app, http=Protocol, log_config=None, lifespan="off", connections=limits)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        running = asyncio.create_task(server.serve([listening]))
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            await running


async def received(streams: Streams) -> bytes:
    """Return all that comes until the server closes a connection, which it does."""
    reader, writer = streams
    try:
        async with asyncio.timeout(20):
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


async def check_others(address: tuple[str, int]) -> None:
    """Check that somebody else is served."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        url = f"http://{address[0]}:{address[1]}/denoise"
        headers = {"Content-Type": "application/json"}
        assert (await client.post(url, content=JSON_BODY, headers=headers)).status_code == 200


async def drip(writer: asyncio.StreamWriter, drop: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"POST /denoise HTTP/1.1\r\nX-Slow: ", b"x"),
        (b"POST /denoise HTTP/1.1\r\n", b"X: y\r\n"),
        (b"P", b""),
        (b"\r\n", b"\r\n"),
        (b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n", b""),
    ],
)
async def test_a_head_that_comes_slowly_is_not_waited_for(
    app: ASGIApp, start: bytes, drop: bytes
) -> None:
    async with serving(app, ConnectionLimits(head_seconds=0.4)) as address:
        streams = await asyncio.open_connection(*address)
        streams[1].write(start)
        dripping = asyncio.create_task(drip(streams[1], drop)) if drop else None
        await check_others(address)
        answer = await received(streams)
        if dripping:
            dripping.cancel()
    answer = answer[answer.rindex(b"HTTP/1.1 ") :]
    detail = problem(answer, 408, "request-timeout")
    assert detail.endswith("head: expected all of it within 0.4 s, received its start")


async def test_a_connection_on_which_nothing_comes_is_closed(app: ASGIApp) -> None:
    async with serving(app, ConnectionLimits(head_seconds=0.1)) as address:
        assert await received(await asyncio.open_connection(*address)) == b""


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (head(len(body_of(images(SMALL)))), b"\x93"),
        (head(len(body_of(images(LARGE)))), b"\x93"),  # which is received in place
        (head(None), b"1\r\nx\r\n"),
        (b"POST /jobs?operation=denoise HTTP/1.1\r\nContent-Length: 99\r\n\r\n", b"{"),
    ],
)
async def test_a_body_that_comes_slowly_is_not_waited_for(
    app: ASGIApp, start: bytes, drop: bytes
) -> None:
    async with serving(app, ConnectionLimits(rate=1000)) as address:
        streams = await asyncio.open_connection(*address)
        streams[1].write(start)
        dripping = asyncio.create_task(drip(streams[1], drop))
        await check_others(address)
        answer = await received(streams)
        dripping.cancel()
    if start.startswith(b"POST /jobs"):  # which are off here, and answered before their bodies
        assert b"jobs-off" in answer
        return
    assert "body: expected at least 1000 bytes a second" in problem(answer, 408, "request-timeout")


async def test_a_body_that_comes_at_the_rate_is_read(app: ASGIApp) -> None:
    sent = images(SMALL)
    body = body_of(sent)
    async with serving(app, ConnectionLimits(rate=100, head_seconds=0.2)) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(head(len(body), "Expect: 100-continue"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 100")
        for start in range(0, len(body), 16):  # 320 bytes in all, in a second
            writer.write(body[start : start + 16])
            await asyncio.sleep(0.05)
        assert (await reader.readline()) == b"\r\n"
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_response_that_is_not_read_is_dropped(app: ASGIApp) -> None:
    limits = ConnectionLimits(rate=1000, read_seconds=0.3)
    async with serving(app, limits) as address:
        reader, writer = await asyncio.open_connection(*address, limit=1024)
        for _ in range(100):  # of 100 kB each, more than the system keeps
            writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(30):
            while not writer.is_closing():  # it learns of it as it sends
                writer.write(b"\r\n")
                await asyncio.sleep(0.1)
        await check_others(address)
        assert not reader.at_eof()


async def test_idle_connections_make_way_for_new_ones(app: ASGIApp) -> None:
    async with serving(app, ConnectionLimits(connections=2)) as address:
        async with asyncio.timeout(20):
            first, second = [await asyncio.open_connection(*address) for _ in range(2)]
            for reader, writer in (second, first):  # the second has been idle for longer
                writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
                await reader.readuntil(b"}")
            await check_others(address)
            assert await second[0].read() == b""
            first[1].write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await first[0].readline()).startswith(b"HTTP/1.1 200")
        for _, writer in (first, second):
            writer.close()


async def test_a_slow_head_makes_way_and_is_told_so(app: ASGIApp) -> None:
    async with serving(app, ConnectionLimits(connections=1)) as address:
        slow = await asyncio.open_connection(*address)
        slow[1].write(b"GET / HTTP/1.1\r\n")
        await asyncio.sleep(0.1)
        await check_others(address)
        assert "retry-after: 1" in problem(await received(slow), 503, "too-many-connections")


async def test_a_connection_beyond_those_at_work_is_told_so(app: ASGIApp) -> None:
    async with serving(app, ConnectionLimits(connections=1)) as address:
        _, writer = await asyncio.open_connection(*address)
        writer.write(head(400) + b"\x93")
        await asyncio.sleep(0.1)
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            answer = await client.get(f"http://{address[0]}:{address[1]}/health/live")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        detail = answer.json()["detail"]
        assert detail.startswith("connections: expected at most 1 (SERVICE_MAX_CONNECTIONS)")
        writer.close()
        await asyncio.sleep(0.1)
        await check_others(address)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_there_are_descriptors_for_the_connections() -> None:
    needed = 1000 + BEYOND + OTHERS
    program = (
        "import resource; from service.server.config import within_descriptors\n"
        "for limits in ((600, 5000), (4000, 5000), (600, 600)):\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, limits)\n"
        "    print(within_descriptors(1000), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    there = 600 - BEYOND - OTHERS
    assert result.stdout.splitlines() == [f"1000 {needed}", "1000 4000", f"{there} 600"]
    assert result.stderr.count("ulimit -n") == 1
