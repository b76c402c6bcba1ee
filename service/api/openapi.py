"""The OpenAPI document as a whole: FastAPI's of the routes, with headers, examples, links."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from service.api import examples
from service.api import media_types as media
from service.api.openapi_links import add_links
from service.api.openapi_quotas import add_quotas
from service.api.openapi_route import render_once
from service.api.openapi_security import PROBLEM, secure
from service.api.query import KINDS
from service.errors import ServiceError
from service.images.formats import PNG
from service.inference.model import Model
from service.inference.reconstruction import run_by
from service.inference.registry import Defaults, ModelRegistry
from service.manifest import OperationName

PATHS: Mapping[str, OperationName] = {f"/{operation}": operation for operation in KINDS}

PICTURES = ("/denoise", "/estimate")
"""Paths to which photographs are sent more often than arrays."""

JOBS: Mapping[str, OperationName] = {"/jobs": "denoise"}
"""The path that takes what any operation does, and the operation that is shown."""

NOT_OFFERED = (
    "No model does this by default among those that are served: a request that names none is "
    "refused, with a 409 or a 404."
)

FASTAPI_ERRORS = ("HTTPValidationError", "ValidationError")
"""Schemas of errors that FastAPI describes, and this service never sends."""


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


HEADERS: Mapping[str, dict[str, Any]] = {
    "X-Request-Id": _header("the request's own, if it can be used, or a new one; logs have it"),
    "X-Model": _header("name of the model, once it is known"),
    "X-Model-Version": _header("its version", "integer"),
    "X-Execution-Provider": _header("what runs it, by ONNX Runtime's name"),
    "X-Noise-Sigma": _header(
        "noise level that was removed from each photograph, on the scale of 0 to 255, as `sigma` "
        "gave it or the model estimated it; of up to 64 photographs"
    ),
    "X-Score": _header(
        "score of each item, of up to 64, where the response has no other place for it"
    ),
    "X-Score-Threshold": _header("score above which an item is an anomaly", "number"),
    "X-Rows-Left-Over": _header(
        "rows at the end of a series that are in no window of the model", "integer"
    ),
    "X-Image-Warning": _header(
        "what of a photograph could not be read, where truncated ones are accepted"
    ),
    "Server-Timing": _header("parse, queue, inference and write, in milliseconds"),
    "Location": _header("path of the job"),
    "WWW-Authenticate": _header("what a key must be or have (RFC 6750)"),
    "Retry-After": _header("seconds after which to try again", "integer"),
    "RateLimit-Policy": _header(
        "quotas of the API key or the address (draft-ietf-httpapi-ratelimit-headers-11)"
    ),
    "RateLimit": _header("what is left of those that the request counts against"),
    "Inference-Header-Content-Length": _header("bytes of JSON before those of tensors", "integer"),
}
"""Headers of responses."""


def problems(texts: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Return the responses of errors for OpenAPI, by status and description."""
    return {status: {"description": text, "content": PROBLEM} for status, text in texts.items()}


def document(
    app: FastAPI,
    registry: ModelRegistry,
    defaults: Defaults,
    *,
    needs_key: bool,
    has_quotas: bool,
) -> None:
    """Let an application's OpenAPI document say what FastAPI cannot know.

    Args:
        app: Has its routes by now.
        registry: The models, from which examples follow.
        defaults: The models where a request names none.
        needs_key: Whether requests need an API key.
        has_quotas: Whether callers may have quotas.
    """
    for route in app.routes:
        if isinstance(route, APIRoute) and route.description:
            # Shown beside the path, instead of the name of the function.
            route.summary, route.description = route.description.rstrip("."), ""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            secure(generate(), needs_key=needs_key)
            if has_quotas:
                add_quotas(generate())
            complete(generate(), registry, defaults)
        return generate()

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's way to extend it
    render_once(app)


def complete(document: dict[str, Any], registry: ModelRegistry, defaults: Defaults) -> None:
    """Add headers, examples and links to an OpenAPI document; take out FastAPI's own errors."""
    add_links(document)
    components = document["components"]
    components["headers"] = HEADERS
    for name in FASTAPI_ERRORS:
        components["schemas"].pop(name, None)
    served = examples.model_of("denoise", registry, defaults)
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            responses = described["responses"]
            # Parameters are text in the path; other faults of a request have a response described.
            if "HTTPValidationError" in str(responses.get("422")):
                del responses["422"]
            runs = path.endswith("/infer") or path in PATHS or (path in JOBS and method == "post")
            for status, response in responses.items():
                response["headers"] = response.get("headers", {}) | {
                    name: {"$ref": f"#/components/headers/{name}"}
                    for name in HEADERS
                    if _is_sent(name, status, path, runs=runs)
                }
            _add_examples(path, described, served, registry, defaults)
            if path in PICTURES:
                _show_pictures_first(described)
            if path in PATHS and not _is_offered(PATHS[path], registry, defaults):
                said = described.get("description")
                described["description"] = f"{said}\n\n{NOT_OFFERED}" if said else NOT_OFFERED


def _is_offered(operation: OperationName, registry: ModelRegistry, defaults: Defaults) -> bool:
    """Return whether an operation is answered where a request names no model."""
    try:
        defaults.of_pictures(run_by(operation), registry)
    except ServiceError:
        return False
    return True


def _show_pictures_first(described: dict[str, Any]) -> None:
    """Order media types as Swagger UI offers them: the first one is what it sends and asks for.

    A photograph would come back as megabytes of JSON, which freeze the tab that shows them.
    """
    for holder in (described["requestBody"], described["responses"]["200"]):
        holder["content"] = dict(
            sorted(
                holder["content"].items(),
                key=lambda each: (each[0] != PNG, not each[0].startswith("image/")),
            )
        )


def _is_sent(header: str, status: str, path: str, *, runs: bool) -> bool:
    """Return whether responses of a status have a header."""
    match header:
        case "X-Request-Id":
            return True
        case "Retry-After":
            waits = path.endswith("/result") and status == "409"
            return status == "429" or waits or (runs and status == "503")
        case "WWW-Authenticate":
            return status in ("401", "403")
        case "RateLimit" | "RateLimit-Policy":
            return status == "429"
        case "Location":
            return status == "202"
        case "Server-Timing":
            return runs and status == "200"
        case "Inference-Header-Content-Length":
            return path.endswith("/infer") and status == "200"
        case "X-Rows-Left-Over":
            takes_rows = ("/encode", "/denoise", "/reconstruct", "/score", "/neighbours")
            return path in takes_rows and status == "200"
        case "X-Score" | "X-Score-Threshold":
            return path == "/score" and status == "200"
        case "X-Image-Warning":
            return path in ("/denoise", "/estimate") and status == "200"
        case "X-Noise-Sigma":
            return (path.endswith("/infer") or path == "/denoise") and status == "200"
    return runs  # X-Model and so on, once the model is known


def _add_examples(
    path: str,
    described: dict[str, Any],
    served: Model | None,
    registry: ModelRegistry,
    defaults: Defaults,
) -> None:
    """Add the examples of one operation of the document, those of /v2 with one model for all."""
    content = described.get("requestBody", {}).get("content", {}).get(media.JSON)
    if content and (operation := PATHS.get(path) or JOBS.get(path)):
        if model := examples.model_of(operation, registry, defaults):
            content["example"] = {"inputs": examples.inputs(model, operation)}
        return
    if path == "/v2/repository/index":
        content["example"] = {"ready": True}
    if served is None:
        return
    if path.endswith("/infer"):
        content["example"] = examples.inference(served, "denoise")
    values = {"name": served.name, "model": f"{served.name}.denoise", "version": served.version}
    for parameter in described.get("parameters", []):
        if parameter["in"] == "path" and parameter["name"] in values:  # none for the id of a job
            parameter["schema"].pop("examples", None)  # of what is perhaps not served
            parameter["example"] = str(values[parameter["name"]])
