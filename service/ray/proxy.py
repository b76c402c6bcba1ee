"""What Ray's proxies, and replicas that clients reach without one, do to responses.

RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH=service.ray.proxy:middlewares on every node has Ray call
it. Ray answers by itself where a replica cannot: with plain text, or with nothing.
"""

import logging

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.middleware import REQUEST_ID
from service.api.problems import response_to
from service.errors import Overloaded, ServiceError
from service.ray.error_page import replica_lost, write_page
from service.ray.retry_after import RETRY_AFTER

OVERLOADED, FAILED, UNAVAILABLE = 429, 500, 503
"""Statuses of Ray's own responses: no room, an exception in a replica, a deployment without any."""
LOGGED = 4096
"""Bytes of the text of a 500 that the log gets."""

log = logging.getLogger(__name__)


def middlewares() -> list[Middleware]:
    """Return the middleware, as Ray asks for it in each process that clients reach."""
    write_page()
    return [Middleware(Proxied)]


class Proxied:
    """Answers with the service's problems where Ray does by itself; leaves one X-Request-Id.

    Ray's Python proxy answers with nothing where a replica has ended, or where it has none.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False
        failure: ServiceError | None = None
        text = b""

        async def send_on(message: Message) -> None:
            nonlocal started, failure, text
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                failure = _failure(message["status"], headers)
                first = headers.getlist(REQUEST_ID)[:1]
                if first:  # the service's own, where it has another than the client sent
                    headers[REQUEST_ID] = first[0]
            if failure is None:
                await send(message)
            else:
                text = (text + message.get("body", b""))[:LOGGED]

        await self.app(scope, receive, send_on)
        if not started:
            failure = replica_lost()
        if failure:
            asked = MutableHeaders(scope=scope).get(REQUEST_ID)
            if failure.status == FAILED:
                log.error("Ray answered %s with a 500: %s", asked, text.decode(errors="replace"))
            response = response_to(scope["path"], failure)
            if asked:
                response.headers[REQUEST_ID] = asked
            await response(scope, receive, send)


def _failure(status: int, headers: MutableHeaders) -> ServiceError | None:
    """Return the error that a response of Ray's own stands for, None for one of the service."""
    if not headers.get("content-type", "").startswith("text/plain"):
        return None
    if status == OVERLOADED:
        wait = int(headers.get("retry-after", RETRY_AFTER))
        return Overloaded(
            "queue: expected room at a replica, received as many requests as all of them take",
            retry_after=wait,
        )
    if status == FAILED:  # which the same request would be answered with again
        return ServiceError("expected a response of a replica, received an exception: see the log")
    return replica_lost() if status == UNAVAILABLE else None
