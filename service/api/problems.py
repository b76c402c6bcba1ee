"""Errors as application/problem+json (RFC 9457), or in the form of the Open Inference Protocol."""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from service.errors import Overloaded, ServiceError, problem_document

PROBLEM = "application/problem+json"
OPEN_INFERENCE = "/v2"
"""The path of the Open Inference Protocol, under which errors have its form."""
ENTRANCES = ("/", "/docs", "/openapi.json", OPEN_INFERENCE)
"""Paths that are no part of the OpenAPI document, or where another protocol's begin."""


@dataclass(frozen=True, slots=True)
class Body:
    """The body of an error."""

    media_type: str
    content: bytes


Failure = Callable[[int, str, str, str], Body]
"""Writes an error by its (status, code, title, detail)."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An error as a response."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: Body


def problem(status: int, code: str, title: str, detail: str) -> Body:
    """Return an error as RFC 9457 has it."""
    body = orjson.dumps(problem_document(status, code, title, detail))
    return Body(PROBLEM, body)


def open_inference_error(_status: int, _code: str, _title: str, detail: str) -> Body:
    """Return an error as the Open Inference Protocol has it."""
    return Body("application/json", orjson.dumps({"error": detail}))


def failed(failure: Failure, error: ServiceError) -> Failed:
    """Return an error as a response."""
    body = failure(error.status, error.code, error.title, str(error))
    headers = ((each.encode(), value.encode()) for each, value in error.headers.items())
    return Failed(error.status, tuple(headers), body)


def failure_of(path: str) -> Failure:
    """Return what writes the errors of a path, in the form that it promises."""
    return open_inference_error if _is_open_inference(path) else problem


@functools.lru_cache(256)
def refused(failure: Failure, detail: str, wait: int) -> Failed:
    """Return the response to a request that finds a full queue.

    Args:
        failure: How to write it.
        detail: What is full.
        wait: Seconds until there is room.
    """
    return failed(failure, Overloaded(detail, retry_after=wait))


def error_response(
    path: str,
    status: int,
    code: str,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error as a framework's response, in the form that a path promises."""
    body = failure_of(path)(status, code, title, detail)
    return Response(body.content, status, headers, body.media_type)


def response_to(path: str, error: ServiceError) -> Response:
    """Return an error as a framework's response, in the form that a path promises."""
    return error_response(path, error.status, error.code, error.title, str(error), error.headers)


async def service_error(request: Request, error: Exception) -> Response:
    """Return the response to a ServiceError."""
    assert isinstance(error, ServiceError)
    return response_to(request.scope["path"], error)


async def http_error(request: Request, error: Exception) -> Response:
    """Return the response to what the router refuses: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)
    path, status, headers = request.scope["path"], error.status_code, error.headers or {}
    detail = error.detail
    if status == HTTPStatus.NOT_FOUND:
        known = ", ".join(dict.fromkeys(_known(request.app, like=path)))
        detail = f"path: expected one of {known}, received {path[:80]!r}"
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {**headers, "Allow": _methods(request)}
        detail = f"method: expected {headers['Allow']}, received {request.method}"
    title = HTTPStatus(status).phrase.capitalize()
    return error_response(path, status, title.lower().replace(" ", "-"), title, detail, headers)


def _methods(request: Request) -> str:
    """Return the methods of a path, as Allow has them: those of several routes that match it."""
    routes = (each for each in request.app.routes if isinstance(each, Route))
    found = {
        method
        for route in routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    return ", ".join(sorted(found))


def _known(app: FastAPI, *, like: str) -> Iterator[str]:
    """Yield the paths of the protocol that a path belongs to, and beside /v2 where others begin."""
    is_like = _is_open_inference(like)
    for route in app.routes:
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        if _is_open_inference(route.path) == is_like and route.path not in ENTRANCES:
            yield route.path
    if not is_like:
        yield from ENTRANCES


def _is_open_inference(path: str) -> bool:
    return path == OPEN_INFERENCE or path.startswith(f"{OPEN_INFERENCE}/")
