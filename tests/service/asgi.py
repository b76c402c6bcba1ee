"""What tests ask of an application, and of its answers."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import httpx
from PIL import Image

App = Callable[..., Awaitable[None]]
AS_JSON = {"Content-Type": "application/json"}
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def application_of(client: httpx.AsyncClient) -> App:
    """The application behind a client, to be called as a server would call it."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    return transport.app


def check_problem(answer: httpx.Response, status: int, code: str) -> str:
    """Check that an answer is a problem of a status and a code; return its detail."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"urn:autoencoder-service:{code}"
    assert problem["title"]
    assert answer.headers["X-Request-Id"]
    return str(problem["detail"])


def opened(answer: httpx.Response) -> Image.Image:
    """Return the picture that an answer is."""
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


class Caller:
    """A client of an application, which reads when it is told to, and may go.

    Attributes:
        sent: The messages that the application has sent.
        received: What the client has read of the body.
        reads: Set while the client reads.
        gone: Set once the client has gone.
        task: Runs the application.
    """

    def __init__(
        self,
        app: App,
        method: str,
        path: str,
        body: object = b"",
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        """Send a request.

        Args:
            app: The application.
            method: The method.
            path: The path, with its query.
            body: Bytes, or what is sent as JSON; None for a body that never comes.
            headers: Those of the request.
        """
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = {"type": "http.request", "body": content, "more_body": False}
        self._messages = [] if body is None else [request]
        self.sent: list[dict[str, Any]] = []
        self.received = b""
        self.reads, self.gone = asyncio.Event(), asyncio.Event()
        self.reads.set()
        self._more = asyncio.Event()
        run = app(scope, self._receive, self._send)
        self.task: asyncio.Future[None] = asyncio.ensure_future(run)

    @property
    def status(self) -> int:
        """The status of the answer, 0 before there is one."""
        return int(self.sent[0]["status"]) if self.sent else 0

    async def until(self, ending: bytes) -> None:
        """Wait until the client has read so much of the body."""
        async with asyncio.timeout(30):
            while ending not in self.received:
                self._more.clear()
                await self._more.wait()

    async def text(self) -> str:
        """Return the body once it is whole."""
        await asyncio.wait_for(self.task, 30)
        return self.received.decode()

    async def _receive(self) -> dict[str, Any]:
        if self._messages:
            return self._messages.pop()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await self.reads.wait()
            self.received += message.get("body", b"")
            self._more.set()
        self.sent.append(message)


async def follow(client: httpx.AsyncClient, path: str) -> Caller:
    """Get a stream, which httpx would return as a whole; return once it has begun."""
    caller = Caller(application_of(client), "GET", path)
    await caller.until(b"\n")
    return caller


@contextlib.asynccontextmanager
async def lifespan(client: httpx.AsyncClient) -> AsyncIterator[None]:
    """Start and stop an application as a server does; httpx leaves that out."""
    started, stop = asyncio.Event(), asyncio.Event()
    messages = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, str]:
        message = next(messages)
        if message == "lifespan.shutdown":
            await stop.wait()
        return {"type": message}

    async def send(message: dict[str, str]) -> None:
        started.set()

    async def run() -> None:
        await application_of(client)({"type": "lifespan"}, receive, send)

    running = asyncio.create_task(run())
    await started.wait()
    try:
        yield
    finally:
        stop.set()
        await running
