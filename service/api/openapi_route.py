"""GET /openapi.json: the document, rendered once; an ETag spares clients that have it the rest."""

import asyncio
import functools
import hashlib
import threading
from dataclasses import dataclass

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from service.api.media_types import JSON

FOLDERS = 8
"""Root paths under which another application may have mounted the service, of which each changes
the document; more are rendered anew."""


@dataclass(frozen=True)
class _Rendered:
    body: bytes
    etag: str


def render_once(app: FastAPI) -> None:
    """Let an application serve its document without rendering it at each request.

    That blocked the event loop for 18 ms each time, and for 500 ms the first time, as FastAPI
    describes its routes then: a thread does.
    """
    path = app.openapi_url
    assert path
    app.router.routes[:] = [each for each in app.routes if getattr(each, "path", "") != path]

    lock = threading.Lock()

    @functools.lru_cache(FOLDERS)
    def rendered(root_path: str) -> _Rendered:
        with lock:
            document = app.openapi()
        servers = document.get("servers", [])
        if root_path and all(each["url"] != root_path for each in servers):
            document = document | {"servers": [{"url": root_path}, *servers]}
        body = orjson.dumps(document)
        return _Rendered(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')

    async def openapi(request: Request) -> Response:
        root_path = request.scope.get("root_path", "").rstrip("/")
        found = await asyncio.to_thread(rendered, root_path)
        headers = {"ETag": found.etag, "Cache-Control": "no-cache"}
        if _is_known(request.headers.getlist("if-none-match"), found.etag):
            return Response(status_code=304, headers=headers)
        return Response(found.body, headers=headers, media_type=JSON)

    app.add_route(path, openapi, include_in_schema=False)


def _is_known(sent: list[str], etag: str) -> bool:
    """Return whether If-None-Match has an ETag (RFC 9110, section 13.1.2)."""
    tags = {each.strip().removeprefix("W/") for line in sent for each in line.split(",")}
    return not tags.isdisjoint({etag, "*"})
