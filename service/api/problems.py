"""Errors as application/problem+json (RFC 9457), or as the Open Inference Protocol has them."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response

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
    is_open_inference = path == OPEN_INFERENCE or path.startswith(f"{OPEN_INFERENCE}/")
    write = error if is_open_inference else problem
    media_type, body = write(status, code, title, detail)
    return Response(body, status, headers, media_type)
