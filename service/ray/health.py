"""Liveness of an application within its process, as Ray asks for it."""

from starlette.types import ASGIApp, Message, Scope

from service.errors import NotLive

PATH = "/health/live"
OK = 200


async def ask_live(app: ASGIApp) -> None:
    """Raise NotLive, with the response's body, where GET /health/live is not answered by a 200."""
    status, body = 0, b""

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        nonlocal status, body
        status = message.get("status", status)
        body += message.get("body", b"")

    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "client": None,
        "server": None,
    }
    await app(scope, receive, send)
    if status != OK:
        raise NotLive(f"expected {PATH} to be answered by a {OK}, received {status}: {body!r}")
