"""CORS: which pages of other origins may read responses (Fetch Standard, section 3.2)."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from service.api.middleware import REQUEST_ID
from service.api.openapi import HEADERS
from service.api.request import usable_id

METHODS = ("GET", "HEAD", "POST", "DELETE")
SENT = (
    "Authorization",
    "Content-Encoding",
    "Inference-Header-Content-Length",
    "Traceparent",
    "Tracestate",
    "X-API-Key",
    REQUEST_ID,
)
"""Headers that a page may send, beside those of any request."""


class Cors(CORSMiddleware):
    """Starlette's middleware, whose answers to preflights have an X-Request-Id as all others."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        """Let pages read the responses of an application.

        Args:
            app: The application.
            origins: Origins of pages, "*" for any. Cookies and other credentials of browsers are
                not allowed: keys are sent in headers.
        """
        super().__init__(
            app,
            allow_origins=tuple(origins),
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=tuple(HEADERS),
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        response.headers[REQUEST_ID] = usable_id(request_headers.get(REQUEST_ID, ""))
        return response
