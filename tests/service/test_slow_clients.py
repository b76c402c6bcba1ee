"""Clients that take their time are not waited for, and those that are fast enough are."""

import asyncio
import contextlib
from pathlib import Path

import numpy as np
import pytest
from starlette.types import ASGIApp

from service.app import create_app
from service.server import closing_protocol, connection_table, transfer_rates
from service.server.limits import ConnectionLimits
from service.settings import Settings
from tests.service.connected import LIVE, Serving, drip, problem, received, serving
from tests.service.running import DEFAULTS
from tests.service.wire import LARGE, SMALL, body_of, head, images

pytestmark = pytest.mark.slow

WINDOW = 1.0


@pytest.fixture(scope="module")
def app(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> ASGIApp:
    defaults = {f"default_{operation}": name for operation, name in DEFAULTS.items()}
    jobs = str(tmp_path_factory.mktemp("jobs"))
    return create_app(
        Settings(models=tiny_models, device="cpu", jobs_dir=jobs, timeout=2, **defaults)  # type: ignore[arg-type]
    )


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_table, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(transfer_rates, "WINDOW", WINDOW)


async def last_answer(server: Serving, start: bytes, drop: bytes) -> bytes:
    """Return the last response on a connection on which something comes slowly."""
    streams = await server.connect(start)
    dripping = asyncio.create_task(drip(streams[1], drop))
    answer = await received(streams)
    dripping.cancel()
    return answer[answer.rindex(b"HTTP/1.1 ") :]


HEADS = [
    (b"POST /denoise HTTP/1.1\r\nX-Slow: ", b"x"),
    (b"POST /denoise HTTP/1.1\r\n", b"X: y\r\n"),
    (b"P", b""),
    (b"\r\n", b"\r\n"),
    (LIVE + b"GET / HTTP/1.1\r\n", b""),
]


async def test_heads_that_come_slowly_are_not_waited_for(app: ASGIApp) -> None:
    async with serving(app, ConnectionLimits(head_seconds=1.5)) as server:
        late = await server.connect()  # the first one that is waited for
        silent = await server.connect()
        slow = [asyncio.create_task(last_answer(server, *head)) for head in HEADS]
        await asyncio.sleep(0.75)
        late[1].write(b"G")  # from now on it has 1.5 s, and those before have no more
        await server.check_others()
        just_begun = asyncio.create_task(received(late))
        for each in slow:
            detail = problem(await each, 408, "request-timeout")
            assert detail.endswith("head: expected all of it within 1.5 s, received its start")
        assert await received(silent) == b""
        assert not just_begun.done()
        problem(await just_begun, 408, "request-timeout")


BODIES = [
    (head(len(body_of(images(SMALL)))), b"\x93"),
    (head(len(body_of(images(LARGE)))), b"\x93"),  # which is received in place
    (head(None), b"1\r\nx\r\n"),
    (b"POST /jobs?operation=denoise HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n", b"{"),
]


async def test_bodies_that_come_slowly_are_not_waited_for(app: ASGIApp) -> None:
    async with serving(app, ConnectionLimits(rate=1000)) as server:
        slow = [asyncio.create_task(last_answer(server, *body)) for body in BODIES]
        await server.check_others()
        answers = await asyncio.gather(*slow)
    assert len(answers) == len(BODIES)
    for answer in answers:
        detail = problem(answer, 408, "request-timeout")
        assert "body: expected at least 1000 bytes a second" in detail


async def test_a_body_that_comes_at_the_rate_is_read(app: ASGIApp) -> None:
    sent = images(SMALL)
    body = body_of(sent)
    async with serving(app, ConnectionLimits(rate=20, head_seconds=0.5)) as server:
        reader, writer = await server.connect(head(len(body), "Expect: 100-continue"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 100")
        for start in range(0, len(body), 16):  # 320 bytes in all, in 1.4 s
            writer.write(body[start : start + 16])
            await asyncio.sleep(0.07)
        assert (await reader.readline()) == b"\r\n"
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_bodies_behind_their_responses_may_come_at_the_rate(
    app: ASGIApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing_protocol.ClosingProtocol, "_linger_seconds", 0.5)
    start = "POST /nothing HTTP/1.1\r\nHost: x\r\n{}\r\nContent-Length: 1500\r\n\r\n"
    async with serving(app, ConnectionLimits(rate=100, idle_seconds=0.5)) as server:
        both = [
            await server.connect(start.format(line).encode())
            for line in ("X: y", "Connection: close")
        ]
        for reader, _ in both:
            assert (await reader.readline()).startswith(b"HTTP/1.1 404")
        for _ in range(15):  # in 1.5 s, three times what an idle connection has
            for _, writer in both:
                writer.write(bytes(100))
            await asyncio.sleep(0.1)
            assert len(server.connections) == 2
        for _, writer in both:
            writer.write(LIVE)
        assert [b"HTTP/1.1 200" in await received(each) for each in both] == [True, False]


async def test_a_response_that_is_not_read_is_dropped(app: ASGIApp) -> None:
    async with serving(app, ConnectionLimits(rate=1000, read_seconds=1)) as server:
        # More than the system keeps: 100 responses of 100 kB each.
        reader, writer = await server.connect(
            b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100
        )
        async with asyncio.timeout(30):
            while not writer.is_closing():  # it learns of it as it sends
                writer.write(b"\r\n")
                await asyncio.sleep(0.1)
        await server.check_others()
        assert not reader.at_eof()


async def test_a_response_that_is_read_at_the_rate_may_take_longer_than_the_time_limit(
    app: ASGIApp,
) -> None:
    sent = np.zeros((300_000, 4, 4), np.float32)  # 19 MB, more than the system keeps
    body = body_of(sent)
    async with serving(app, ConnectionLimits(rate=100_000, read_seconds=2)) as server:
        reader, writer = await server.connect(head(len(body)) + body)
        await reader.readuntil(b"\r\n\r\n")
        count = 0
        while more := await reader.read(1 << 20):
            count += len(more)
            if count == len(body):
                break
            await asyncio.sleep(len(more) / 7e6)  # 2.7 s in all: the time limit is 2 s
        writer.close()
    assert count == len(body)


async def test_a_response_that_is_read_too_slowly_for_long_is_dropped(app: ASGIApp) -> None:
    body = body_of(np.zeros((300_000, 4, 4), np.float32))  # 19 MB, more than the system keeps
    limits = ConnectionLimits(rate=1000, read_rate=10_000_000, lag_seconds=0.5)
    async with serving(app, limits) as server:
        reader, writer = await server.connect(head(len(body)) + body)
        await reader.readuntil(b"\r\n\r\n")
        count = 0
        with contextlib.suppress(ConnectionError):
            while more := await reader.read(100_000):
                count += len(more)
                await asyncio.sleep(len(more) / 2e6)
        writer.close()
        await server.check_others()
    assert 0 < count < len(body)
