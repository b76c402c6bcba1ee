"""Connections beyond those that may be are told so, and those that wait make way for others."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from service.app import create_app
from service.server import connection_table
from service.server.descriptors import OTHERS
from service.server.http_protocol import Protocol
from service.server.limits import BEYOND, ConnectionLimits
from service.settings import Settings
from tests.service.connected import LIVE, problem, received, serving, until
from tests.service.running import DEFAULTS
from tests.service.wire import head


@pytest.fixture(scope="module")
def app(tiny_models: Path) -> ASGIApp:
    defaults = {f"default_{operation}": name for operation, name in DEFAULTS.items()}
    return create_app(Settings(models=tiny_models, device="cpu", **defaults))  # type: ignore[arg-type]


async def test_idle_connections_make_way_for_new_ones(app: ASGIApp) -> None:
    async with serving(app, ConnectionLimits(connections=2, idle_seconds=60)) as server:
        first, second = [await server.connect() for _ in range(2)]
        for reader, writer in (second, first):  # the second has been idle for longer
            writer.write(LIVE)
            await reader.readuntil(b"}")
        await server.check_others()
        assert await received(second) == b""
        first[1].write(LIVE)
        assert (await first[0].readline()).startswith(b"HTTP/1.1 200")
        first[1].close()


async def test_a_slow_head_makes_way_and_is_told_so(app: ASGIApp) -> None:
    async with serving(app, ConnectionLimits(connections=1)) as server:
        slow = await server.connect(b"GET / HTTP/1.1\r\n")
        await until(lambda: any(each.is_in_head for each in server.connections))
        await server.check_others()
        assert "retry-after: 1" in problem(await received(slow), 503, "too-many-connections")


async def test_a_connection_beyond_those_at_work_is_told_so(app: ASGIApp) -> None:
    async with serving(app, ConnectionLimits(connections=1)) as server:
        _, writer = await server.connect(head(400) + b"\x93")
        await until(lambda: any(each.received for each in server.connections))
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            host, port = server.address
            answer = await client.get(f"http://{host}:{port}/health/live")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        detail = answer.json()["detail"]
        assert detail.startswith("connections: expected at most 1 (SERVICE_MAX_CONNECTIONS)")
        writer.close()
        await until(lambda: not any(each.received for each in server.connections))
        await server.check_others()


def has_come(connections: set[Protocol], port: int) -> bool:
    """Return whether anything was received from a client."""
    of_client = (each for each in connections if each.client and each.client[1] == port)
    return any(each.cycle or each.unparsed for each in of_client)


@pytest.mark.parametrize("start", [b"\x01\r\n\r\n", b"GET / HTTP/1.1\r\n", LIVE])
async def test_connections_that_are_refused_count_until_they_are_closed(
    app: ASGIApp, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(connection_table, "BEYOND", 3)
    async with serving(app, ConnectionLimits(connections=2, idle_seconds=60)) as server:
        held = []
        for _ in range(12):
            held.append(await server.connect(start))  # all of which stay open at this end
            _, port = held[-1][1].get_extra_info("sockname")
            await until(partial(has_come, server.connections, port))
            assert len(server.connections) <= 2 + 3
        await server.check_others()
        for _, writer in held:
            writer.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_there_are_descriptors_for_the_connections() -> None:
    needed = 1000 + BEYOND + OTHERS
    program = (
        "import resource; from service.server.descriptors import within_descriptors\n"
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
