"""One request and its answer, straight on ASGI: where microseconds count, no framework is between.

FastAPI's middleware, router and dependencies take longer than a small model does.
"""

import asyncio
import logging
import random
import re
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from service.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    MalformedBody,
    UnsupportedMediaType,
)
from service.inference.admission import Ticket
from service.inference.model import Model

T = TypeVar("T")
Header = tuple[bytes, bytes]
Body = bytes | bytearray
Part = bytes | memoryview

USABLE_ID = re.compile(r"[\x21-\x7e]{1,128}")
PATIENCE = 0.05
"""Seconds that a client is not watched for: to watch costs more than most requests take."""
SMALL = 64 * 1024
"""Bytes of a body that comes, and of an answer that goes, at once."""
WHOLE_BODY = "autoencoder.whole_body"
"""The ASGI extension that the service's own HTTP protocol has: see service/protocol.py."""
CODECS: Mapping[str, int] = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}

log = logging.getLogger("service.requests")


class Exchange:
    """A request as its reader wants it, and its answer.

    model: what answers, once it is known; items: how many images or codings were sent, once they
    are read; headers: what every answer of it says, errors too; stages: seconds by stage, once it
    is answered; starts: the time.perf_counter() at which each of them began; status: the answer's,
    0 before.
    """

    __slots__ = (
        "_receive",
        "_send",
        "_sent",
        "began",
        "headers",
        "items",
        "model",
        "request_id",
        "scope",
        "stages",
        "starts",
        "status",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._sent: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            held = self._sent.get(name)
            self._sent[name] = value if held is None else held + b", " + value
        self.request_id = usable_id(self.header(b"x-request-id"))
        self.began = time.perf_counter()
        self.model: Model | None = None
        self.items = 0
        self.headers: Sequence[Header] = ()
        self.stages: Mapping[str, float] = {}
        self.starts: Sequence[float] = ()
        self.status = 0

    def header(self, name: bytes) -> str:
        """Return a header by its name in lower case, several as one, "" where there is none."""
        return self._sent.get(name, b"").decode("latin-1")

    def length(self, limit: int) -> int:
        """Return how long the body is said to be, 0 where it is not. Raises BodyTooLarge."""
        declared = self.header(b"content-length")
        length = int(declared) if declared.isdecimal() else 0
        if length > limit:
            raise BodyTooLarge(f"body: expected at most {limit} bytes, received {length}")
        return length

    async def body(self, limit: int, ticket: Ticket) -> Body:
        """Return the body, decompressed, counted on a ticket beyond the length that was told.

        Raises BodyTooLarge as soon as it is known to be, Overloaded, ClientDisconnect,
        MalformedBody and UnsupportedMediaType where Content-Encoding is not what it says, or
        none of CODECS.
        """
        counted = ticket.bytes
        whole = self.scope.get("extensions", {}).get(WHOLE_BODY)
        if whole and counted > SMALL:
            received: Body | None = await whole(counted)
            if received is None:
                raise ClientDisconnect
            body = received
        else:
            body = await self._chunks(limit, ticket)
        encoding = self.header(b"content-encoding").strip().lower()
        if encoding in ("", "identity"):
            return body
        if encoding not in CODECS:
            raise UnsupportedMediaType(
                f"Content-Encoding: expected one of {', '.join(CODECS)}, received {encoding}"
            )
        body = await asyncio.to_thread(_decompressed, body, encoding, limit)
        ticket.grow(size=max(0, len(body) - counted))
        return body

    async def _chunks(self, limit: int, ticket: Ticket) -> Body:
        chunks: list[bytes] = []
        received, counted = 0, ticket.bytes
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            received += len(chunk)
            if received > limit:
                raise BodyTooLarge(f"body: expected at most {limit} bytes, received more")
            if received > counted:
                ticket.grow(size=received - counted)
                counted = received
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def outcome(self, future: "asyncio.Future[T]", seconds: float) -> T:
        """Return what a future gives, if it does within so many seconds from the start.

        Raises DeadlineExceeded past them, ClientDisconnect where the client goes first; the
        future is done then, so that nobody works for it.
        """
        watcher: asyncio.Task[None] | None = None
        left = max(0.0, self.began + seconds - time.perf_counter())

        def watch() -> None:
            nonlocal watcher
            watcher = loop.create_task(self._watch(future, left - patience, seconds))

        loop = asyncio.get_running_loop()
        patience = min(PATIENCE, left)
        timer = loop.call_later(patience, watch)
        try:
            return await future
        finally:
            timer.cancel()
            if watcher:
                watcher.cancel()

    async def answer(
        self, status: int, media_type: str, headers: Sequence[Header], *body: Part
    ) -> None:
        """Send the answer, its body in parts that are not joined if they are large."""
        self.status = status
        length = sum(map(len, body))
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", media_type.encode("latin-1")),
                    (b"content-length", b"%d" % length),
                    (b"x-request-id", self.request_id.encode("latin-1")),
                    *self.headers,
                    *headers,
                ],
            }
        )
        if length <= SMALL:  # to copy it takes less than to send it in two
            body = (b"".join(body),)
        *first, last = body
        for part in first:
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
        await self._send({"type": "http.response.body", "body": last})

    def elapsed(self) -> float:
        """Return the seconds since the request's head was read."""
        return time.perf_counter() - self.began

    def log(self, seconds: float) -> None:
        """Log the request: what failed here as an error, what the client did wrong as information.

        What went well, and what a full queue refused, is for debugging: there may be thousands a
        second, and the metrics count them.
        """
        level = logging.DEBUG if self.status < 400 or self.status == 429 else logging.INFO
        level = logging.ERROR if self.status >= 500 else level
        if log.isEnabledFor(level):
            fields = {
                "request_id": self.request_id,
                "method": self.scope["method"],
                "path": self.scope["path"],
                "status": self.status,
                "milliseconds": round(seconds * 1000, 3),
            }
            log.log(level, "%s %s %s %d in %s ms", *fields.values(), extra=fields)

    async def _watch(self, future: "asyncio.Future[T]", left: float, seconds: float) -> None:
        try:
            async with asyncio.timeout(left):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
            error: Exception = ClientDisconnect()
        except TimeoutError:
            error = DeadlineExceeded(
                f"timeout: expected an answer within {seconds:g} s, received none"
            )
        if not future.done():
            future.set_exception(error)


def usable_id(sent: str) -> str:
    """Return the request id that a client sent, a new one where it sent none that can be used."""
    return sent if sent and USABLE_ID.fullmatch(sent) else f"{random.getrandbits(128):032x}"


def _decompressed(body: Body, encoding: str, limit: int) -> bytes:
    try:
        # No more than the limit is ever written, whatever the body would become.
        codec = zlib.decompressobj(CODECS[encoding])
        plain = codec.decompress(body, limit + 1)
    except zlib.error as error:
        raise MalformedBody(f"body: expected {encoding}, received: {error}") from error
    if len(plain) > limit:
        raise BodyTooLarge(f"body: expected at most {limit} bytes decompressed, received more")
    if not codec.eof:
        raise MalformedBody(f"body: expected all of a {encoding} stream, received its start")
    return plain
