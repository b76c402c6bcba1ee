"""Errors as application/problem+json (RFC 9457), or as the Open Inference Protocol has them."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.errors import ServiceError

MEDIA_TYPE = "application/problem+json"
OPEN_INFERENCE = "/v2"
"""The path under which everything speaks the Open Inference Protocol, errors too."""


def problem(status: int, code: str, title: str, detail: str) -> tuple[str, bytes]:
    """Return the media type and the body of a problem."""
    body = {
        "type": f"urn:autoencoder-service:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return MEDIA_TYPE, orjson.dumps(body)


def error(_status: int, _code: str, _title: str, detail: str) -> tuple[str, bytes]:
    """Return the media type and the body of an error of the Open Inference Protocol."""
    return "application/json", orjson.dumps({"error": detail})


def failed(
    path: str,
    status: int,
    code: str,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error as an answer of the kind that belongs to a path."""
    write = error if _is_open_inference(path) else problem
    media_type, body = write(status, code, title, detail)
    return Response(body, status, headers, media_type)


async def service_error(request: Request, error: Exception) -> Response:
    """Answer a ServiceError."""
    assert isinstance(error, ServiceError)
    path = request.scope["path"]
    return failed(path, error.status, error.code, error.title, str(error), error.headers)


async def http_error(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: a path that there is not, a method that a path has not."""
    assert isinstance(error, HTTPException)
    path, status, headers = request.scope["path"], error.status_code, error.headers or {}
    detail = error.detail
    if status == HTTPStatus.NOT_FOUND:
        known = ", ".join(_documented(request.app, like=path))
        detail = f"path: expected one of {known}, received {path[:80]!r}"
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"method: expected {headers.get('Allow', 'GET')}, received {request.method}"
    title = HTTPStatus(status).phrase.capitalize()
    return failed(path, status, title.lower().replace(" ", "-"), title, detail, headers)


def _documented(app: FastAPI, *, like: str) -> Iterator[str]:
    """The paths of the protocol that a path belongs to."""
    is_like = _is_open_inference(like)
    for route in app.routes:
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        if _is_open_inference(route.path) == is_like:
            yield route.path


def _is_open_inference(path: str) -> bool:
    return path == OPEN_INFERENCE or path.startswith(f"{OPEN_INFERENCE}/")
