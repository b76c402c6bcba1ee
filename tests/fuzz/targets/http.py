"""HTTP/1.1 as the service's server reads it: requests within a stream of bytes, in any pieces."""

import asyncio
import functools
from collections.abc import Collection, Iterator
from typing import Any

import uvloop
from starlette.requests import ClientDisconnect
from uvicorn.server import ServerState

from service.api.request import Exchange
from service.errors import BodyTooLarge
from service.inference.admission import Admission
from service.inference.ticket import Ticket
from service.server.config import Config
from service.server.http_protocol import Protocol
from service.server.limits import ConnectionLimits
from tests.fuzz.target import Fault, Target
from tests.fuzz.transport import Transport

MOST_BYTES = 1 << 17
"""Of a body."""
TURNS = 40
"""Of the event loop, after which nothing is left to be done."""

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
UPGRADE = POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"

Seen = list[tuple[str, bytes, bytes, tuple[tuple[bytes, bytes], ...], bytes | None]]
"""Method, path, query, headers and body of each request; no body where it is refused."""


def run(data: bytes) -> None:
    """The first byte says how the rest is divided: as a whole, and in pieces of so many bytes."""
    stream = data[1:]
    whole = _loop().run_until_complete(_exchange(stream, max(1, len(stream))))
    pieces = _loop().run_until_complete(_exchange(stream, (data[:1] or b"\1")[0] % 32 + 1))
    if whole != pieces:
        raise Fault(f"expected the same in one piece as in several, received {whole}, {pieces}")


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    loop.set_exception_handler(_fail)
    return loop


def _fail(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    _faults.append(context)


_faults: list[dict[str, Any]] = []


class Application:
    """Answers each request with its body, and notes what it has seen."""

    def __init__(self) -> None:
        self.seen: Seen = []
        self.methods: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        exchange = Exchange(scope, receive, send)
        self.methods.append(scope["method"])
        admission = Admission(max_items=8, max_bytes=MOST_BYTES)
        body: bytes | None = None
        try:
            with admission.admit(exchange.length(MOST_BYTES)) as ticket:
                body = await _body(exchange, ticket)
            await exchange.respond(200, "text/plain", (), body)
        except BodyTooLarge as error:
            await exchange.respond(413, "text/plain", (), str(error).encode())
        except ClientDisconnect:
            pass
        except Exception as error:
            _faults.append({"exception": error})
            raise
        named = scope["method"], scope["path"].encode(), scope["query_string"]
        self.seen.append((*named, tuple(scope["headers"]), body))


async def _exchange(stream: bytes, piece: int) -> tuple[Seen, list[int]]:
    """Return what an application sees of a stream, and the statuses of the responses."""
    loop, transport, state = asyncio.get_running_loop(), Transport(), _state()
    config = _config()
    app = config.loaded_app = Application()
    protocol = Protocol(config, state, {}, loop)
    protocol.connection_made(transport)
    for start in range(0, len(stream), piece):
        await _fed(transport, stream[start : start + piece], state.tasks)
    await _settled(state)
    protocol.connection_lost(ConnectionResetError())
    await _settled(state)
    protocol._unset_keepalive_if_required()
    if _faults or state.tasks:
        found, _faults[:] = list(_faults), []
        raise Fault(f"expected no failure and nothing left, received {found}, {state.tasks}")
    statuses = _statuses(bytes(transport.written), app.methods)
    # Whether a body is asked for depends on whether it is there already.
    return app.seen, [each for each in statuses if each != 100]


async def _settled(state: ServerState) -> None:
    for _ in range(TURNS):
        if not state.tasks:
            break
        await asyncio.sleep(0)


async def _body(exchange: Exchange, ticket: Ticket) -> bytes:
    """Return a body as Exchange.body() does, its content coding left in place."""
    found = exchange._body_at_hand(MOST_BYTES, ticket, "")
    return bytes(await exchange._received(MOST_BYTES, ticket, "") if found is None else found)


async def _fed(transport: Transport, data: bytes, tasks: Collection[Any]) -> None:
    """Give a connection what it reads, as an event loop does."""
    view = memoryview(data)
    while view and not transport.is_closing():
        for _ in range(TURNS):
            if not transport.is_paused:
                break
            await asyncio.sleep(0)
        else:
            return
        room = transport.reader.get_buffer(-1)
        size = min(len(room), len(view))
        room[:size] = view[:size]
        view = view[size:]
        transport.reader.buffer_updated(size)
        if tasks:
            await asyncio.sleep(0)


@functools.cache
def _state() -> ServerState:
    return ServerState()


@functools.cache
def _config() -> Config:
    limits = ConnectionLimits()
    config = Config(Application(), ws="none", log_config=None, access_log=False, connections=limits)
    config.load()
    return config


def _statuses(written: bytes, methods: list[str]) -> Iterator[int]:
    """Yield the status of each response. Raises Fault where they are no responses."""
    asked = iter(methods)
    while written:
        head, end, rest = written.partition(b"\r\n\r\n")
        line, *fields = head.split(b"\r\n")
        version, _, status = line.partition(b" ")
        if version != b"HTTP/1.1" or not status[:3].isdigit() or not end:
            raise Fault(f"expected a response, received {written!r}")
        number = int(status[:3])
        yield number
        if number == 100:
            written = rest
            continue
        lengths = [
            each.partition(b":")[2]
            for each in fields
            if each.lower().startswith(b"content-length:")
        ]
        if len(lengths) != 1:
            raise Fault(f"expected one Content-Length, received {head!r}")
        # 400 is for what is no request: it ends the connection, whatever is asked for before it.
        is_of_head = next(asked, "") == "HEAD" and number != 400
        size = 0 if is_of_head else int(lengths[0])
        if len(rest) < size:
            raise Fault(f"expected {size} bytes of a body, received {rest!r}")
        written = rest[size:]


def seeds() -> list[bytes]:
    streams = (
        b"GET /models?a=b HTTP/1.1\r\nHost: x\r\n\r\n",
        POST + b"Content-Length: 4\r\n\r\nbody" + GET,
        CHUNKED + b"\r\n3;a=b\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
        POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
        UPGRADE + b"Content-Length: 2\r\n\r\nokHEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx",
        b"PUT /%ff%2e HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n",
        b"GET http://x:1/y;z HTTP/1.1\r\nHost: x:1\r\nConnection: close\r\n\r\n" + GET,
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        POST + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
        POST + b"Content-Length: 200000\r\n\r\nstart",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    )
    return [bytes([size]) + stream for size in (0, 6) for stream in streams]


WORDS = (
    b"\r\n\r\n",
    b" HTTP/1.1\r\n",
    b"Content-Length: 4\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Upgrade: h2c\r\n",
    b"0\r\n\r\n",
    GET,
    b"Host: [::1]:80\r\n",
)
TARGET = Target(run, seeds, share=150, longest=512, words=WORDS)
