"""The operations in the OpenAPI document: signatures, media types and errors."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from service.api import media_types as media
from service.api.openapi import problems
from service.api.query import (
    KINDS,
    DecodeQuery,
    DenoiseQuery,
    EncodeQuery,
    EstimateQuery,
    NeighboursQuery,
    ReconstructQuery,
    ScoreQuery,
)
from service.api.schemas import Estimates, Inputs, Neighbours, Outputs, RowInputs, Scores
from service.manifest import OperationName


# The signatures and docstrings that OpenAPI shows; nothing calls these functions.
def encode(choice: Annotated[EncodeQuery, Query()]) -> None:
    """Images to codings: (batch, 28, 28) in [0, 1] -> a coding each."""


def decode(choice: Annotated[DecodeQuery, Query()]) -> None:
    """Codings to reconstructions, the images that they stand for."""


def denoise(choice: Annotated[DenoiseQuery, Query()]) -> None:
    """Noisy images and photographs to clean ones, by a model trained to remove noise."""


def estimate(choice: Annotated[EstimateQuery, Query()]) -> None:
    """Photographs to what their noise is: its level, and what it is like; nothing is removed."""


def reconstruct(choice: Annotated[ReconstructQuery, Query()]) -> None:
    """Images to their reconstructions: encoded and decoded in one."""


def score(choice: Annotated[ScoreQuery, Query()]) -> None:
    """Images or rows to their anomaly scores: how far their reconstructions are from them."""


def neighbours(choice: Annotated[NeighboursQuery, Query()]) -> None:
    """Images or rows, or codings, to the items of the model's index whose codings are nearest."""


OPERATIONS: Mapping[OperationName, Callable[..., None]] = {
    "encode": encode,
    "decode": decode,
    "denoise": denoise,
    "estimate": estimate,
    "reconstruct": reconstruct,
    "score": score,
    "neighbours": neighbours,
}


RESPONSES: Mapping[OperationName, type[BaseModel]] = {
    "estimate": Estimates,
    "score": Scores,
    "neighbours": Neighbours,
}
"""Responses in JSON that are other than outputs."""

CONTAINERS: Mapping[str, dict[str, Any]] = {
    media.ZIP: {
        "schema": {
            "type": "string",
            "format": "binary",
            "description": "the photographs of a zip or a form, in its order, each sent once it is "
            "done; manifest.json, the last entry, has the name or the error of each",
        }
    },
    media.MIXED: {
        "schema": {
            "type": "string",
            "format": "binary",
            "description": "the same in parts, where an error is application/problem+json",
        }
    },
}
"""What holds several photographs in a response of /denoise."""


def describe(operation: OperationName) -> dict[str, Any]:
    """Return an operation's media types and errors for OpenAPI."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    written = (*media.writable(operation), *(CONTAINERS if operation == "denoise" else ()))
    parameters = KINDS[operation].model_json_schema()["properties"]
    files = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "array", "items": binary["schema"]}, **parameters},
    }
    photographs = {"description": "photographs of any sizes; folders and hidden files are ignored"}
    bodies: dict[str, Any] = {
        media.JSON: {"schema": _json(operation)},
        media.MULTIPART: {"schema": files},
        media.ZIP: {"schema": binary["schema"] | photographs},
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
                "model": RESPONSES.get(operation, Outputs),
                "description": "The outputs, in the media type that Accept prefers",
                "content": {
                    each: CONTAINERS.get(each, binary) for each in written if each != media.JSON
                },
            },
        }
        | problems(
            {
                400: "The body is not what its Content-Type says",
                404: "No such model or version",
                406: "Accept names no media type that the operation writes",
                409: "The model does not offer the operation; the detail lists those that do",
                413: "The body or the picture is too large",
                415: "The operation does not read the Content-Type; the detail lists those it does",
                422: "A value or a shape is not as expected; the detail says what was",
                429: "The queue is full; Retry-After says when to try again",
                503: "Deadline exceeded, or the service is shutting down",
            }
        ),
    }


def _json(operation: OperationName) -> dict[str, Any]:
    """Return the schema of a body in JSON."""
    arrays = Inputs.model_json_schema()
    if media.CSV not in media.readable(operation):
        return arrays
    return {"anyOf": [arrays, RowInputs.model_json_schema()]}
