"""What cannot be read is refused behind the responses before it, never within one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from service.server import connection_table, transfer_rates
from service.server.limits import ConnectionLimits
from tests.service.connected import Serving, received, serving

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
STREAM = b"POST /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
GARBAGE = b"\x01\r\n\r\n"
INVALID = b"Invalid HTTP request received."


class Streaming:
    """Sends the first half of a response, and the other half once it may."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/stream":  # which reads its request first
            while (await receive()).get("more_body", False):
                pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await self.may_end.wait()
        await send({"type": "http.response.body", "body": b"last"})


@pytest.fixture
async def streaming() -> Streaming:
    return Streaming()


@pytest.fixture
async def server(streaming: Streaming, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serving]:
    monkeypatch.setattr(connection_table, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(transfer_rates, "WINDOW", 0.2)
    async with serving(streaming, ConnectionLimits(rate=1000)) as made:
        yield made
        streaming.may_end.set()


@pytest.mark.parametrize(
    "behind",
    [
        GARBAGE,
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
@pytest.mark.parametrize("requests", [1, 2])
async def test_responses_end_before_what_is_behind_them_is_refused(
    server: Serving, streaming: Streaming, requests: int, behind: bytes
) -> None:
    streams = await server.connect(GET * requests)
    start = await streams[0].readuntil(b"first")
    streams[1].write(behind)
    await asyncio.sleep(0.3)  # something might be sent
    streaming.may_end.set()
    *whole, refusal = (start + await received(streams)).split(b"HTTP/1.1 ")[1:]
    assert len(whole) == requests
    for each in whole:
        assert each.startswith(b"200 OK")
        assert each.endswith(b"\r\n\r\n5\r\nfirst\r\n4\r\nlast\r\n0\r\n\r\n")
    assert refusal[:3] == (b"414" if b"xxx" in behind else b"400")


@pytest.mark.parametrize("request_", [GET, STREAM + b"0\r\n\r\n"])
async def test_what_comes_with_a_request_does_not_cost_it_its_response(
    server: Serving, streaming: Streaming, request_: bytes
) -> None:
    streaming.may_end.set()
    both = await received(await server.connect(request_ + GARBAGE))
    whole, refusal = both.split(b"HTTP/1.1 ")[1:]
    assert whole.endswith(b"\r\n\r\n5\r\nfirst\r\n4\r\nlast\r\n0\r\n\r\n")
    assert refusal.startswith(b"400 ")


async def test_a_response_whose_own_request_breaks_off_breaks_off(server: Serving) -> None:
    streams = await server.connect(STREAM)
    await streams[0].readuntil(b"first\r\n")
    streams[1].write(b"no number\r\n")
    rest = b""
    with contextlib.suppress(ConnectionError):
        rest = await received(streams)
    assert rest == b""


async def test_nothing_is_said_of_a_body_that_breaks_off_behind_its_response(
    server: Serving, streaming: Streaming
) -> None:
    streaming.may_end.set()
    streams = await server.connect(STREAM)
    await streams[0].readuntil(b"0\r\n\r\n")
    streams[1].write(b"no number\r\n")
    assert await received(streams) == b""


async def test_what_is_refused_first_is_told_so_at_once(server: Serving) -> None:
    assert (await received(await server.connect(GARBAGE))).endswith(INVALID)
