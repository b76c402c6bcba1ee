"""Content-Security-Policy of the pages: what they may load, run and ask (W3C CSP Level 3)."""

import base64
import hashlib
import re
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
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
    f"connect-src 'self'; img-src 'self' blob: data:; worker-src blob:; {NOTHING_ELSE}"
)
"""Of Swagger UI and ReDoc, which set styles inline; their inline scripts run by their hashes."""
POLICIES: Mapping[str, str] = {"/": PAGE, "/docs": DOCUMENTATION, "/redoc": DOCUMENTATION}
INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class ContentPolicy:
    """Middleware that adds the header to the pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        policy = POLICIES.get(scope["path"]) if scope["type"] == "http" else None
        if policy is None:
            await self.app(scope, receive, send)
            return
        start: Message | None = None

        async def send_with_policy(message: Message) -> None:
            """Hold the head of the response until its body is there, with the scripts in it."""
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start:
                scripts = hashes(message.get("body", b""))
                headers = MutableHeaders(scope=start)
                headers["Content-Security-Policy"] = policy.format(scripts=scripts)
                await send(start)
                start = None
            await send(message)

        await self.app(scope, receive, send_with_policy)


def hashes(page: bytes) -> str:
    """Return the sources that let the inline scripts of a page run."""
    digests = (hashlib.sha256(script).digest() for script in INLINE.findall(page))
    return " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in digests)
