"""Middleware of the requests that FastAPI handles: X-Request-Id, HEAD, unexpected errors."""

import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import response_to
from service.api.request import usable_id
from service.errors import InsufficientMemory, ServiceError, is_shortage

REQUEST_ID = "X-Request-Id"
RETRY_AFTER = 1
"""Seconds after which a client that found no memory should try again."""

log = logging.getLogger("service.requests")


class RequestIdMiddleware:
    """Sets X-Request-Id, the client's own if it sent one; turns unexpected errors into a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # handled as GET: the server drops the body
            scope = {**scope, "method": "GET"}
        request_id = usable_id(Headers(scope=scope).get(REQUEST_ID, ""))
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).setdefault(REQUEST_ID, request_id)
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            if is_shortage(error) and not started:
                log.error("not enough memory: %s", str(error) or "none is left")
                failure: ServiceError = InsufficientMemory(retry_after=RETRY_AFTER)
            else:
                log.exception("request %s failed", request_id, extra={"request_id": request_id})
                failure = ServiceError(f"the log has it under {request_id}")
            if started:
                raise
            await response_to(scope["path"], failure)(scope, receive, send_with_id)
