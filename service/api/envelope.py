"""Around every request: its id, and problem+json where it fails."""

import logging
import re
import uuid

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "X-Request-Id"
USABLE_ID = re.compile(r"[\x21-\x7e]{1,128}")

log = logging.getLogger(__name__)


class ProblemResponse(Response):
    """An error as application/problem+json (RFC 9457)."""

    media_type = "application/problem+json"

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        headers: dict[str, str] | None = None,
    ) -> None:
        body = {
            "type": f"urn:autoencoder-service:{code}",
            "title": title,
            "status": status,
            "detail": detail,
            "code": code,
        }
        super().__init__(orjson.dumps(body), status, headers)


class Envelope:
    """Give every answer an X-Request-Id, the client's own where it sent one, even a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = sent if USABLE_ID.fullmatch(sent) else uuid.uuid4().hex
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except ClientDisconnect:
            log.info("request %s: the client has gone", request_id)
        except Exception:
            log.exception("request %s failed", request_id)
            if started:
                raise
            answer = ProblemResponse(
                500, "internal-error", "Internal error", f"the log has it under {request_id}"
            )
            await answer(scope, receive, send_with_id)
