"""What the service's own server adds to responses, for an application that Ray's servers serve."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from service.api.request import CANCELLED_IS_GONE
from service.server.security_headers import security_headers
from service.settings import Settings

REQUEST_ID = "x-request-id"


def ingress(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Return an application with the headers that protect it, and proxies that are believed."""
    app = _Headers(app, security_headers(is_shared=bool(settings.cors_origins)))
    if settings.trusted_proxies:
        return ProxyHeadersMiddleware(app, list(settings.trusted_proxies))  # type: ignore[arg-type, return-value]
    return app


class _Headers:
    """Sets headers of responses, and makes these such that Ray can send them between processes.

    X-Request-Id is left out where Ray adds the same, and bodies become bytes.
    """

    def __init__(self, app: ASGIApp, headers: list[tuple[str, str]]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers:
                    headers[name] = value
                # Ray's proxy has given the request an id where it had none, and adds it again.
                if headers.get(REQUEST_ID) == MutableHeaders(scope=scope).get(REQUEST_ID):
                    del headers[REQUEST_ID]
            elif not isinstance(message.get("body", b""), bytes):  # a view, which has no pickle
                message = {**message, "body": bytes(message["body"])}
            await send(message)

        if scope["type"] == "http":
            extensions = {**scope.get("extensions", {}), CANCELLED_IS_GONE: {}}
            await self._app({**scope, "extensions": extensions}, receive, send_with_headers)
        else:
            await self._app(scope, receive, send)
