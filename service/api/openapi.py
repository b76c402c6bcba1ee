"""The OpenAPI document, where FastAPI cannot see: bodies that the endpoints decode and encode."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

from fastapi import Query
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from service.api import media_types as media
from service.api.query import DecodeQuery, DenoiseQuery, EncodeQuery
from service.api.schemas import Inputs, Outputs, Problem
from service.manifest import OperationName


# The signatures and docstrings that OpenAPI shows; nothing calls these functions.
def encode(choice: Annotated[EncodeQuery, Query()]) -> None:
    """Images to codings: (batch, 28, 28) in [0, 1] -> a coding each."""


def decode(choice: Annotated[DecodeQuery, Query()]) -> None:
    """Codings to reconstructions, the images that they stand for."""


def denoise(choice: Annotated[DenoiseQuery, Query()]) -> None:
    """Noisy images and photographs to clean ones, by a model trained to remove noise."""


OPERATIONS: Mapping[OperationName, Callable[..., None]] = {
    "encode": encode,
    "decode": decode,
    "denoise": denoise,
}


def problems(texts: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of errors: a description for each status."""
    bodies = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": text, "content": bodies} for status, text in texts.items()}


def summarise(routes: Iterable[BaseRoute]) -> None:
    """Show what is said of each route beside its path, in place of the name of its function."""
    for route in routes:
        if isinstance(route, APIRoute) and route.description:
            route.summary, route.description = route.description.rstrip("."), ""


def describe(operation: OperationName) -> dict[str, Any]:
    """Return what OpenAPI says of an operation: the types it reads and writes, and its errors."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    files = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "array", "items": binary["schema"]}},
    }
    bodies: dict[str, Any] = {
        media.JSON: {"schema": Inputs.model_json_schema()},
        media.MULTIPART: {"schema": files},
    }
    return {
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {
                    media_type: bodies.get(media_type, binary)
                    for media_type in media.readable(operation)
                },
            }
        },
        "responses": {
            200: {
                "model": Outputs,
                "description": "The outputs, as Accept asks",
                "content": {
                    each: binary for each in media.writable(operation) if each != media.JSON
                },
            },
        }
        | problems(
            {
                400: "The body is not what its Content-Type says",
                404: "No such model or version",
                406: "Accept names nothing that the operation writes",
                409: "The model does not offer the operation; the answer lists those that do",
                413: "The body or the picture is too large",
                415: "The Content-Type is none that the operation reads; the answer lists those",
                422: "A value or a shape is not as expected; the answer says what was",
                429: "The queue is full; Retry-After says when to come again",
                503: "It took too long",
            }
        ),
    }
