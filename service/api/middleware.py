"""Around every request that a framework answers: its id, and an answer where it fails."""

import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import failed
from service.api.request import usable_id

REQUEST_ID = "X-Request-Id"

log = logging.getLogger("service.requests")


class Envelope:
    """Give every answer an X-Request-Id, the client's own where it sent one, even a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # answered as GET is; the server leaves the body out
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
        except Exception:
            log.exception("request %s failed", request_id, extra={"request_id": request_id})
            if started:
                raise
            detail = f"the log has it under {request_id}"
            answer = failed(scope["path"], 500, "internal-error", "Internal error", detail)
            await answer(scope, receive, send_with_id)
