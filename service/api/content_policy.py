"""Content-Security-Policy of the pages: what they may load, run and ask (W3C CSP Level 3)."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOTHING_ELSE = "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    f"img-src 'self' blob: data:; {NOTHING_ELSE}"
)
"""Of the page, in which nothing is inline."""
DOCUMENTATION = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    f"connect-src 'self'; img-src 'self' blob: data:; worker-src blob:; {NOTHING_ELSE}"
)
"""Of Swagger UI and ReDoc, which set styles inline."""
POLICIES: Mapping[str, str] = {"/": PAGE, "/docs": DOCUMENTATION, "/redoc": DOCUMENTATION}


class ContentPolicy:
    """Middleware that adds the header to the pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        policy = POLICIES.get(scope["path"]) if scope["type"] == "http" else None
        if policy is None:
            await self.app(scope, receive, send)
            return

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = policy
            await send(message)

        await self.app(scope, receive, send_with_policy)
