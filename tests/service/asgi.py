"""What tests ask of an application, and of its errors."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

App = Callable[..., Awaitable[None]]


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


async def post(app: App, path: str, body: object, gone: asyncio.Event) -> list[object]:
    """Post bytes or JSON, as a client that goes when told to; return what was sent until then."""
    path, _, query = path.partition("?")
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = b"application/octet-stream" if isinstance(body, bytes) else b"application/json"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"content-type", kind)],
    }
    messages = [{"type": "http.request", "body": data, "more_body": False}]
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def follow(client: httpx.AsyncClient, path: str) -> "asyncio.Task[str]":
    """Get a stream, which httpx would return as a whole; return its text once it has begun."""
    began = asyncio.Event()
    messages = [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[bytes] = []

    async def receive() -> dict[str, object]:
        if not messages:
            await asyncio.Event().wait()  # the client stays
        return messages.pop()

    async def send(message: dict[str, object]) -> None:
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        sent.append(body)
        if body:
            began.set()

    async def run() -> str:
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode()}
        more = {"asgi": {"version": "3.0"}, "http_version": "1.1", "query_string": b""}
        await application_of(client)(scope | more | {"headers": []}, receive, send)
        return b"".join(sent).decode()

    task = asyncio.create_task(run())
    async with asyncio.timeout(20):
        await began.wait()
    return task


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
