"""Responses of the service to results, or to the exception of their problem."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import httpx
import numpy as np

from service.client.errors import ServiceError, UnexpectedResponse, of_code
from service.client.images import NPY, ZIP, Array
from service.client.results import Estimate, Model, Neighbours, Noise, Result, Scores

T = TypeVar("T")
PROBLEM = "application/problem+json"
SHOWN = 200
"""Characters of an unexpected response that its exception shows."""


def media_type(response: httpx.Response) -> str:
    """Return the media type of a response, without parameters."""
    header: str = response.headers.get("content-type", "")
    return header.partition(";")[0].strip().lower()


def error(response: httpx.Response) -> ServiceError:
    """Return the exception of a response that is no success."""
    request_id = response.headers.get("x-request-id", "")
    if media_type(response) == PROBLEM:
        try:
            return problem(response.json(), request_id)
        except (ValueError, TypeError, AttributeError):
            pass  # a proxy's, or not all of it
    return _unexpected(response, "a success or a problem of the service")


def problem(document: Mapping[str, Any], request_id: str = "") -> ServiceError:
    """Return the exception of a problem (RFC 9457).

    Raises:
        TypeError: It is no object.
        ValueError: Its status is no number.
    """
    status, code = int(document.get("status", 0)), str(document.get("code", ""))
    return of_code(code, status)(
        str(document.get("detail", "")),
        status=status,
        code=code,
        title=str(document.get("title", "")),
        request_id=request_id,
    )


def result(response: httpx.Response, *, is_single: bool = False) -> Result:
    """Return the picture, array or zip of a response.

    Raises:
        UnexpectedResponse: It is none of these.
    """
    found = media_type(response)
    if not found.startswith("image/") and found not in (NPY, ZIP):
        raise _unexpected(response, "a picture, an array or a zip")
    levels = response.headers.get("x-noise-sigma", "")
    return Result(
        content=response.content,
        media_type=found,
        sigma=tuple(float(level) for level in levels.split(",") if level.strip()),
        warning=response.headers.get("x-image-warning", ""),
        is_single=is_single,
        **_provenance(response),
    )


def estimate(response: httpx.Response) -> Estimate:
    """Return the estimates of a response. Raises UnexpectedResponse where there are none."""
    return Estimate(noise=read(response, "estimates of noise", _noise), **_provenance(response))


def scores(response: httpx.Response) -> Scores:
    """Return the scores of a response. Raises UnexpectedResponse where there are none."""
    return read(
        response, "scores", lambda document: Scores(**_scores(document), **_provenance(response))
    )


def neighbours(response: httpx.Response) -> Neighbours:
    """Return the neighbours of a response. Raises UnexpectedResponse where there are none."""
    return read(
        response,
        "neighbours",
        lambda document: Neighbours(**_neighbours(document), **_provenance(response)),
    )


def models(response: httpx.Response) -> list[Model]:
    """Return the models of a response. Raises UnexpectedResponse where there are none."""
    return read(response, "models", lambda document: [_model(each) for each in document["models"]])


def read(response: httpx.Response, expected: str, of: Callable[[Any], T]) -> T:
    """Return what a JSON response describes.

    Args:
        response: The response.
        expected: What is expected, in words.
        of: Reads the document; what it raises for another document counts as unexpected.

    Raises:
        UnexpectedResponse: It is not JSON, or describes something else.
    """
    try:
        return of(json.loads(response.content))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _unexpected(response, expected) from None


def _noise(document: Mapping[str, Any]) -> tuple[Noise, ...]:
    names = [field.name for field in fields(Noise)]
    return tuple(Noise(*(float(each[name]) for name in names)) for each in document["noise"])


def _scores(document: Mapping[str, Any]) -> dict[str, Any]:
    def array(name: str, kind: type = float) -> Array | None:
        numbers = document.get(name)  # null among them is NaN
        return None if numbers is None else np.array(numbers, kind)

    return {
        "scores": np.array(document["scores"], float),
        "percentiles": array("percentiles"),
        "z_scores": array("z_scores"),
        "false_alarm_rate": document["false_alarm_rate"],
        "threshold": document["threshold"],
        "is_anomaly": array("is_anomaly", bool),
        "maps": array("maps"),
        "columns": tuple(document.get("columns", ())),
        "starts": tuple(document.get("starts", ())),
        "row_scores": array("row_scores"),
        "rows_left_over": document.get("rows_left_over", 0),
    }


def _neighbours(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ids": tuple(map(tuple, document["ids"])),
        "labels": tuple(map(tuple, document["labels"])),
        "distances": np.array(document["distances"], float),
        "starts": tuple(document.get("starts", ())),
        "rows_left_over": document.get("rows_left_over", 0),
    }


def _model(document: Mapping[str, Any]) -> Model:
    return Model(
        name=document["name"],
        version=document["version"],
        state=document["state"],
        fault=document["fault"],
        operations=tuple(document["operations"]),
        provider=document["execution_provider"],
        default_for=tuple(document["default_for"]),
        default_for_pictures=tuple(document["default_for_pictures"]),
        manifest=document["manifest"],
    )


def _provenance(response: httpx.Response) -> dict[str, Any]:
    headers = response.headers
    return {
        "model": headers.get("x-model", ""),
        "version": int(headers.get("x-model-version", 0)),
        "provider": headers.get("x-execution-provider", ""),
        "timings": timings(headers.get("server-timing", "")),
        "request_id": headers.get("x-request-id", ""),
    }


def timings(header: str) -> dict[str, float]:
    """Return the milliseconds of a Server-Timing header (W3C Server Timing, section 4), by name."""
    found: dict[str, float] = {}
    for metric in header.split(","):
        name, *parameters = (part.strip() for part in metric.split(";"))
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "dur":
                try:
                    found[name] = float(value)
                except ValueError:  # a proxy's own
                    continue
    return found


def _unexpected(response: httpx.Response, expected: str) -> UnexpectedResponse:
    text = response.text[:SHOWN].strip() or "nothing"
    where = response.headers.get("location")
    return UnexpectedResponse(
        f"expected {expected}, received {response.status_code} {response.reason_phrase} of type "
        f"{media_type(response) or 'unknown'}{f' to {where}' if where else ''}: {text}",
        status=response.status_code,
        request_id=response.headers.get("x-request-id", ""),
    )
