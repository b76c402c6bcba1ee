"""One request and its answer, straight on ASGI: where microseconds count, no framework is between.

FastAPI's middleware, router and dependencies take longer than a small model does.
"""

import asyncio
import contextlib
import logging
import math
import random
import re
import time
from collections.abc import Mapping, Sequence
from typing import TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from service.api.body import Body, at_hand, decompress, receive
from service.errors import BodyTooLarge, DeadlineExceeded
from service.inference.admission import Ticket
from service.inference.model import Model

T = TypeVar("T")
Header = tuple[bytes, bytes]
Part = bytes | memoryview

USABLE_ID = re.compile(r"[\x21-\x7e]{1,128}")
PATIENCE = 0.05
"""Seconds that a client is not watched for: to watch costs more than most requests take."""
SMALL = 64 * 1024
"""Bytes of an answer that is sent at once."""
ABORT = "autoencoder.abort"
"""The ASGI extension by which a connection is given up: see service/server/http_protocol.py."""
NO_FAULT = ("", "")
CLOSE: Sequence[Header] = ((b"connection", b"close"),)

log = logging.getLogger("service.requests")


class Exchange:
    """A request as its reader wants it, and its answer.

    model: what answers, once it is known; items: how many images or codings were sent, once they
    are read; headers: what every answer of it says, errors too; stages: seconds by stage, once it
    is answered; starts: the time.perf_counter() at which each of them began; status: the answer's,
    0 before; fault: the code and the detail of an error, as a problem has them.
    """

    __slots__ = (
        "_closing",
        "_receive",
        "_send",
        "_sent",
        "_since",
        "began",
        "fault",
        "headers",
        "items",
        "model",
        "request_id",
        "scope",
        "seconds",
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
        self.began = self._since = time.perf_counter()
        self.seconds = math.inf
        self._closing: Sequence[Header] = ()
        self.model: Model | None = None
        self.items = 0
        self.headers: Sequence[Header] = ()
        self.stages: Mapping[str, float] = {}
        self.starts: Sequence[float] = ()
        self.status = 0
        self.fault = NO_FAULT

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

        Raises as receive() and decompress() do, and DeadlineExceeded.
        """
        body: Body | None = at_hand(self.scope, limit, ticket)
        if body is None:
            body = await self._received(limit, ticket)
        encoding = self.header(b"content-encoding").strip().lower()
        if encoding in ("", "identity"):
            return body
        return await decompress(body, encoding, limit, ticket)

    async def _received(self, limit: int, ticket: Ticket) -> Body:
        try:
            async with asyncio.timeout(self._left()):
                return await receive(self.scope, self._receive, limit, ticket)
        except TimeoutError:
            self._closing = CLOSE  # what may still come of the body is not waited for
            raise DeadlineExceeded(
                f"timeout: expected all of the body within {self.seconds:g} s, received its start"
            ) from None

    async def outcome(self, future: "asyncio.Future[T]") -> T:
        """Return what a future or a task gives, if it does in time.

        Raises DeadlineExceeded past it, ClientDisconnect where the client goes first; the future
        is cancelled then, so that nobody works for it.
        """
        watcher: asyncio.Task[Exception] | None = None

        def watch() -> None:
            nonlocal watcher
            watcher = loop.create_task(self._watch())
            watcher.add_done_callback(lambda _: future.cancel())

        loop = asyncio.get_running_loop()
        timer = loop.call_later(min(PATIENCE, self._left()), watch)
        try:
            return await future
        except asyncio.CancelledError:
            if watcher and watcher.done() and not watcher.cancelled():
                raise watcher.result() from None
            raise
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
                    *self._closing,
                    *self.headers,
                    *headers,
                ],
            }
        )
        if length <= SMALL:  # to copy it takes less than to send it in two
            await self._send({"type": "http.response.body", "body": b"".join(body)})
            return
        for part in body:
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
        end = {"type": "http.response.body", "body": b""}
        try:
            # It waits until the client has read most of what came before: its place is taken
            # as long as that is in memory.
            async with asyncio.timeout(self.seconds):
                await self._send(end)
        except TimeoutError:
            if abort := self.scope.get("extensions", {}).get(ABORT):
                abort()
                await self._send(end)  # which goes nowhere any more
            raise ClientDisconnect from None

    def progress(self) -> None:
        """Let the time for an answer begin anew, as a part of a long work is done."""
        self._since = time.perf_counter()

    def elapsed(self) -> float:
        """Return the seconds since the request's head was read."""
        return time.perf_counter() - self.began

    def log(self, seconds: float, worst: int = logging.ERROR) -> None:
        """Log the request: what failed here at the worst level, a client's fault for information.

        What went well, and what a full queue refused, is for debugging: there may be thousands a
        second, and the metrics count them.
        """
        level = logging.DEBUG if self.status < 400 or self.status == 429 else logging.INFO
        level = worst if self.status >= 500 else level
        if log.isEnabledFor(level):
            fields = {
                "request_id": self.request_id,
                "method": self.scope["method"],
                "path": self.scope["path"],
                "status": self.status,
                "milliseconds": round(seconds * 1000, 3),
            }
            text = "%s %s %s %d in %s ms"
            if self.fault is not NO_FAULT:
                fields |= zip(("code", "detail"), self.fault, strict=True)
                text += ": %s: %s"
            log.log(level, text, *fields.values(), extra=fields)

    def _left(self) -> float:
        """The seconds in which something has to come."""
        return max(0.0, self.seconds - (time.perf_counter() - self._since))

    async def _watch(self) -> Exception:
        """Return what came in the way of the answer, once something has."""
        while left := self._left():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    while (await self._receive())["type"] != "http.disconnect":
                        pass
                    return ClientDisconnect()
        return DeadlineExceeded(
            f"timeout: expected an answer within {self.seconds:g} s, received none"
        )


def usable_id(sent: str) -> str:
    """Return the request id that a client sent, a new one where it sent none that can be used."""
    return sent if sent and USABLE_ID.fullmatch(sent) else f"{random.getrandbits(128):032x}"
