"""One HTTP exchange, a request and its response, on ASGI without a framework.

FastAPI's middleware, router and dependencies take longer than a small model does.
"""

import asyncio
import contextlib
import functools
import math
import random
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from service.access.identity import IDENTITY, Identity, block_of
from service.api.body import BODY_AT_HAND, SETTING, Body, decompress, receive, too_large
from service.api.request_quota import QUOTA, RequestQuota
from service.errors import DeadlineExceeded
from service.inference.caller import Caller
from service.inference.model import Model
from service.inference.ticket import Ticket
from service.telemetry.histogram import UNTRACED

T = TypeVar("T")
Header = tuple[bytes, bytes]
Part = bytes | memoryview

USABLE_ID = re.compile(r"[\x21-\x7e]{1,128}")
PATIENCE = 0.05
"""Seconds after which the client is watched for a disconnect: that costs more than most requests
take."""
SMALL = 64 * 1024
"""Bytes of a response up to which its parts are joined: a copy costs less than a second write."""
ABORT = "autoencoder.abort"
"""The ASGI extension that drops a connection: see service/server/http_protocol.py."""
READ_BOUNDED = "autoencoder.read_bounded"
"""The ASGI extension that says whether the server drops clients that read too slowly."""
LIVE_BODY = "autoencoder.live_body"
"""The ASGI extension that lets the body of a request come as slowly as it does."""
CANCELLED_IS_GONE = "autoencoder.cancelled_is_gone"
"""The ASGI extension that says that the server cancels requests whose clients disconnect."""
STOPPED_SECONDS = 1.0
"""Seconds after which the time limit is looked at again, at the soonest, while its clock stands."""
GONE = "gone"
"""Where the state of an ASGI scope has why a request has no client any more, if that is known."""
NO_FAULT = ("", "")
NO_STATE: Mapping[str, Any] = MappingProxyType({})
END = {"type": "http.response.body", "body": b""}
CLOSE: Sequence[Header] = ((b"connection", b"close"),)


class Exchange:
    """A request, parsed as far as its head, and the response to it.

    Attributes:
        scope: The ASGI scope of the request.
        receive: The ASGI callable that gives the next message.
        send: The ASGI callable that takes the messages of the response.
        request_id: The client's X-Request-Id, or a new one.
        began: The time.perf_counter() at which the head had been received.
        seconds: Time limit of the response, counted from began or from the last progress().
        caller: Who sends it: the name of its API key, or the block of its address.
        model: What runs the request, once it is known.
        items: How many images or codings the request holds, once they are decoded.
        headers: Headers of the response whatever becomes of the request, errors included.
        stages: Seconds of each stage, once the response is encoded.
        starts: The time.perf_counter() at which each stage began.
        status: Status of the response, 0 before it is sent.
        closes: Whether the connection ends with the response.
        fault: Code and detail of the error that the response reports.
        is_quiet: Whether the log leaves it out: there are too many like it.
        trace: The ids of its trace and span, if it is traced and sampled.
    """

    __slots__ = (
        "_sent",
        "_since",
        "_stopped",
        "began",
        "caller",
        "closes",
        "fault",
        "headers",
        "is_quiet",
        "items",
        "model",
        "receive",
        "request_id",
        "scope",
        "seconds",
        "send",
        "stages",
        "starts",
        "status",
        "trace",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self._sent: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            held = self._sent.get(name)
            self._sent[name] = value if held is None else held + b", " + value
        self.caller = caller_of(scope)
        self.request_id = usable_id(self.header(b"x-request-id"))
        self.began = self._since = time.perf_counter()
        self.seconds = math.inf
        self._stopped: float | None = None
        self.closes = False
        self.model: Model | None = None
        self.headers: Sequence[Header] = ()
        self.stages: Mapping[str, float] = {}
        self.starts: Sequence[float] = ()
        self.items = self.status = 0
        self.fault = NO_FAULT
        self.is_quiet = False
        self.trace = UNTRACED

    def header(self, name: bytes) -> str:
        """Return a header by its name in lower case, several joined, "" where there is none."""
        return self._sent.get(name, b"").decode("latin-1")

    @property
    def key(self) -> str:
        """The name of the API key that the request has, "" without."""
        identity = self.scope.get("state", NO_STATE).get(IDENTITY)
        return (identity.name or "") if identity else ""

    @property
    def gone(self) -> str:
        """Why there is no client any more, "" where nothing is known."""
        return str(self.scope.get("state", NO_STATE).get(GONE, ""))

    @property
    def is_gone_if_cancelled(self) -> bool:
        """Whether a cancelled request has no client any more, rather than a service that stops."""
        return bool(self.gone) or CANCELLED_IS_GONE in self.scope.get("extensions", {})

    @property
    def quota(self) -> RequestQuota | None:
        """The quotas of the caller, None where it has none."""
        quota: RequestQuota | None = self.scope.get("state", NO_STATE).get(QUOTA)
        return quota

    async def take_pixels(self, pixels: int) -> None:
        """Count photographs against the quota of the caller, if there is one.

        Raises:
            ServiceError: As RequestQuota.take_pixels() raises it.
        """
        if quota := self.quota:
            await quota.take_pixels(pixels)

    def length(self, limit: int, setting: str = SETTING) -> int:
        """Return the Content-Length, 0 where there is none. Raises BodyTooLarge past the limit."""
        declared = self.header(b"content-length")
        length = int(declared) if declared.isdecimal() else 0
        if length > limit:
            raise too_large(limit, length, setting)
        return length

    async def body(self, limit: int, ticket: Ticket, setting: str = SETTING) -> Body:
        """Return the body without its content coding, counted on a ticket as having arrived.

        Args:
            limit: Most bytes of the body, as sent and decompressed.
            ticket: Counts what the Content-Length did not announce.
            setting: What sets the limit, for the message of its error; "" for none.

        Raises:
            DeadlineExceeded: The body is not all here in time.
            ServiceError: As receive() and decompress() raise it, and ClientDisconnect.
        """
        body: Body | None = self._body_at_hand(limit, ticket, setting)
        if body is None:
            body = await self._received(limit, ticket, setting)
        ticket.arrive()
        coding = self.header(b"content-encoding").strip().lower()
        if coding in ("", "identity"):
            return body
        return await decompress(body, coding, limit, ticket, setting)

    def _body_at_hand(self, limit: int, ticket: Ticket, setting: str) -> bytes | None:
        """Return a body that came with its head, None where some of it is still to come."""
        extension = self.scope.get("extensions", {}).get(BODY_AT_HAND)
        body: bytes | None = extension() if extension else None
        if body is not None and len(body) > ticket.bytes:  # without a Content-Length
            if len(body) > limit:
                raise too_large(limit, "more", setting)
            ticket.grow(size=len(body) - ticket.bytes)
        return body

    async def _received(self, limit: int, ticket: Ticket, setting: str) -> Body:
        try:
            async with asyncio.timeout(self._left()):
                return await receive(self.scope, self.receive, limit, ticket, setting)
        except TimeoutError:
            self.closes = True  # the rest of the body may never come
            raise DeadlineExceeded(
                f"timeout: expected all of the body within {self.seconds:g} s, received its start"
            ) from None

    async def outcome(self, future: "asyncio.Future[T]") -> T:
        """Return the result of a future or task; cancel it if the client disconnects.

        Raises:
            DeadlineExceeded: There is no result in time.
            ClientDisconnect: The client is gone first.
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

    async def respond(
        self, status: int, media_type: str, headers: Sequence[Header], *body: Part
    ) -> None:
        """Send the response; parts of a large body are sent one by one, not joined.

        Raises:
            ClientDisconnect: The client reads a large body too slowly.
        """
        length = sum(map(len, body))
        await self.start(status, media_type, ((b"content-length", b"%d" % length), *headers))
        if length <= SMALL:
            await self.send({"type": "http.response.body", "body": b"".join(body)})
            return
        for part in body:
            await self.send({"type": "http.response.body", "body": part, "more_body": True})
        # Returns once the client has read most of the body: while that is in memory, the request
        # keeps its place in the queue.
        await self.end()

    async def end(self) -> None:
        """End the response; return once the client has read most of it.

        Raises:
            ClientDisconnect: The client reads too slowly.
        """
        async with self.read_in_time():
            await self.send(END)

    async def drop(self) -> NoReturn:
        """Drop the connection of a response that cannot be ended. Raises ClientDisconnect."""
        if abort := self.scope.get("extensions", {}).get(ABORT):
            abort()
            await self.send(END)  # lets the server see the end of the response
        raise ClientDisconnect

    async def start(self, status: int, media_type: str, headers: Sequence[Header] = ()) -> None:
        """Send the head of the response."""
        self.status = status
        await self.send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", media_type.encode("latin-1")),
                    (b"x-request-id", self.request_id.encode("latin-1")),
                    *(CLOSE if self.closes else ()),
                    *self.headers,
                    *headers,
                ],
            }
        )

    @contextlib.asynccontextmanager
    async def read_in_time(self) -> AsyncIterator[None]:
        """Drop a client that reads what is sent too slowly; stop the clock of the time limit.

        The server drops it by its rate. Where it does not, all is to be read within the time limit.
        """
        is_bounded = self.scope.get("extensions", {}).get(READ_BOUNDED)
        self._stopped = time.perf_counter()
        try:
            async with asyncio.timeout(None if is_bounded else self.seconds):
                yield
        except TimeoutError:
            await self.drop()
        finally:
            self._since += time.perf_counter() - self._stopped
            self._stopped = None

    def progress(self) -> None:
        """Restart the time limit: a tile of a photograph is done."""
        self._since = time.perf_counter() if self._stopped is None else self._stopped

    def elapsed(self) -> float:
        """Return the seconds since the request's head was received."""
        return time.perf_counter() - self.began

    def _left(self) -> float:
        """Return the seconds until the time limit."""
        if self._stopped is not None:
            return max(STOPPED_SECONDS, self.seconds - (self._stopped - self._since))
        return max(0.0, self.seconds - (time.perf_counter() - self._since))

    async def _watch(self) -> Exception:
        """Wait for the client to disconnect, or for the time limit; return which of them it is."""
        while left := self._left():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    while (await self.receive())["type"] != "http.disconnect":
                        pass
                    return ClientDisconnect()
        return DeadlineExceeded(
            f"timeout: expected an answer within {self.seconds:g} s, received none"
        )


def caller_of(scope: Scope) -> Caller:
    """Return who sends a request, as the engine needs to know it."""
    identity: Identity | None = scope.get("state", NO_STATE).get(IDENTITY)
    if identity and identity.name is not None:
        return _of_key(identity.name, identity.allowance.weight)
    client = scope.get("client")
    return _of_address(client[0] if client else "")


@functools.lru_cache(1024)
def _of_key(name: str, weight: int) -> Caller:
    return Caller(f"key {name}", weight)


@functools.lru_cache(16 * 1024)
def _of_address(address: str) -> Caller:
    return Caller(block_of(address), 1)


def usable_id(sent: str) -> str:
    """Return the request id that a client sent, or a new one where that cannot be used."""
    return sent if sent and USABLE_ID.fullmatch(sent) else f"{random.getrandbits(128):032x}"
