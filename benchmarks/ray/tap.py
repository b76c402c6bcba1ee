"""A recorder in front of an object store: it passes every request on, and keeps what became of it.

It speaks HTTP/1.1 as clients of stores do: bodies have a Content-Length or are chunked (RFC 9112,
section 6), and a client sends one request at a time.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

CHUNK = 65536
NO_BODY = (b"204", b"304")


@dataclass(frozen=True)
class Request:
    """A request that the store has answered.

    Attributes:
        method: GET, PUT and so on.
        path: The bucket and the key.
        query: What is after the ?, "" for an object itself.
        status: Of the response.
        began: When its head had come, in seconds of time.monotonic().
        ended: When the head of its response had come.
    """

    method: str
    path: str
    query: str
    status: int
    began: float
    ended: float


Admit = Callable[[str, str], Awaitable[None]]
"""Waits before a request is passed on, given its method and its path."""


async def at_once(method: str, path: str) -> None:
    """Let a request through."""


@contextlib.contextmanager
def tapped(url: str, admit: Admit = at_once) -> Iterator[tuple[str, list[Request]]]:
    """Record the requests to a store.

    Args:
        url: Of the store, "http://HOST:PORT".
        admit: Holds requests back.

    Yields:
        The URL to use in its place, and the requests, which grow.
    """
    requests: list[Request] = []
    host, port = urlsplit(url).hostname, urlsplit(url).port

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            behind = await asyncio.open_connection(host, port)
            try:
                while True:
                    requests.append(await _one((reader, writer), behind, admit))
            finally:
                behind[1].close()
                writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, limit=CHUNK))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


async def _end() -> None:
    """End all connections."""
    mine = asyncio.all_tasks() - {asyncio.current_task()}
    for task in mine:
        task.cancel()
    await asyncio.gather(*mine, return_exceptions=True)


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _one(client: Ends, store: Ends, admit: Admit) -> Request:
    """Pass on a request and its response."""
    head = await client[0].readuntil(b"\r\n\r\n")
    began = time.monotonic()
    method, target, _ = head.split(b"\r\n", 1)[0].split(b" ")
    await admit(method.decode(), unquote(urlsplit(target.decode()).path))
    store[1].write(head)
    await _body(client[0], store[1], head)
    answer = await store[0].readuntil(b"\r\n\r\n")
    status, path = answer.split(b" ", 2)[1], urlsplit(target.decode())
    ended = time.monotonic()
    client[1].write(answer)
    if method != b"HEAD" and status not in NO_BODY:
        await _body(store[0], client[1], answer)
    await client[1].drain()
    return Request(method.decode(), unquote(path.path), path.query, int(status), began, ended)


async def _body(source: asyncio.StreamReader, target: asyncio.StreamWriter, head: bytes) -> None:
    """Pass on a body."""
    fields = {
        name.strip().lower(): value.strip().lower()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    if fields.get(b"transfer-encoding") != b"chunked":
        await _bytes(source, target, int(fields.get(b"content-length", 0)))
        return
    size = -1
    while size:
        line = await source.readuntil(b"\r\n")
        target.write(line)
        size = int(line.partition(b";")[0], 16)
        await _bytes(source, target, size + len(b"\r\n"))


async def _bytes(source: asyncio.StreamReader, target: asyncio.StreamWriter, count: int) -> None:
    while count:
        piece = await source.readexactly(min(count, CHUNK))
        target.write(piece)
        await target.drain()
        count -= len(piece)
