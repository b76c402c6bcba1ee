"""Errors as application/problem+json (RFC 9457)."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


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


class ProblemResponse(Response):
    """A problem as an answer of a FastAPI route."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(problem(status, code, title, detail)[1], status, headers)


def written(errors: Iterable[Mapping[str, Any]]) -> str:
    """Return what pydantic found wrong with parameters, in one line."""
    return "; ".join(
        f"{each['loc'][-1]}: {each['msg']}, received {each['input']!r}" for each in errors
    )
