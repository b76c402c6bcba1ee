"""The calls of the client, without I/O: requests built and sent, their answers read."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote

import httpx

from service.client import images, options, responses, rows
from service.client.errors import ModelNotFound
from service.client.flow import Flow, Request, Send, Work
from service.client.images import NPY, Array, Body, ImageLike
from service.client.options import Operation
from service.client.results import Estimate, Model, Neighbours, Result, Scores
from service.client.retries import Retries, is_hopeless, unreachable
from service.client.rows import FILES, Items

JSON = "application/json"
ROWS = (JSON, *FILES.values())
"""Media types of rows."""
OF_PHOTOGRAPHS = ("denoise", "estimate")
"""Operations of models of photographs."""


@dataclass(slots=True)
class Calls:
    """What the calls of one client share.

    Attributes:
        retries: How long and how often each call tries.
        photographs: The models that take pictures where a request names none, by operation, once
            they are known.
    """

    retries: Retries
    photographs: dict[Operation, str] = field(default_factory=dict)

    def denoise(self, image: ImageLike, chosen: Mapping[str, Any]) -> Flow[Result]:
        """Remove the noise of an image."""
        body = yield Work(functools.partial(images.read, image))
        request = yield from self.request("denoise", body, chosen)
        response = yield from self.retries.send(request)
        return responses.result(response, is_single=body.is_single)

    def encode(self, items: Items, chosen: Mapping[str, Any]) -> Flow[Result]:
        """Encode an image, a batch, or rows."""
        body = yield Work(functools.partial(rows.read, items))
        request = yield from self.request("encode", body, chosen)
        response = yield from self.retries.send(request)
        return responses.result(response)

    def decode(self, codings: Array | Result, chosen: Mapping[str, Any]) -> Flow[Result]:
        """Decode a batch of codings."""
        body = yield Work(functools.partial(coded, codings))
        request = yield from self.request("decode", body, chosen)
        response = yield from self.retries.send(request)
        return responses.result(response)

    def reconstruct(self, items: Items, chosen: Mapping[str, Any]) -> Flow[Result]:
        """Reconstruct an image, a batch, or rows."""
        body = yield Work(functools.partial(rows.read, items))
        if body.media_type in ROWS:
            chosen = {"format": "npy", **chosen}
        request = yield from self.request("reconstruct", body, chosen)
        response = yield from self.retries.send(request)
        return responses.result(response, is_single=body.is_single)

    def score(self, items: Items, chosen: Mapping[str, Any]) -> Flow[Scores]:
        """Score an image, a batch, or rows."""
        body = yield Work(functools.partial(rows.read, items))
        request = yield from self.request("score", body, chosen)
        response = yield from self.retries.send(request)
        return responses.scores(response)

    def neighbours(self, items: Items | Result, chosen: Mapping[str, Any]) -> Flow[Neighbours]:
        """Find the neighbours of an image, a batch, rows, or codings."""
        if isinstance(items, Result):
            chosen = {"of": "codings", **chosen}
        body = yield Work(functools.partial(searched, items, chosen))
        request = yield from self.request("neighbours", body, chosen)
        response = yield from self.retries.send(request)
        return responses.neighbours(response)

    def estimate(self, image: ImageLike, chosen: Mapping[str, Any]) -> Flow[Estimate]:
        """Estimate the noise of an image."""
        body = yield Work(functools.partial(images.read, image))
        request = yield from self.request("estimate", body, chosen)
        response = yield from self.retries.send(request)
        return responses.estimate(response)

    def models(self) -> Flow[list[Model]]:
        """List every version of every model."""
        response = yield from self.retries.send(Request("GET", "models"))
        return responses.models(response)

    def model(self, name: str, version: int | None) -> Flow[Model]:
        """Describe a version of a model, the newest for None."""
        response = yield from self.retries.send(Request("GET", f"models/{quote(name, safe='')}"))
        found = responses.models(response)
        for model in found:
            if version in (None, model.version):
                return model
        raise ModelNotFound(
            f"version: expected one of {', '.join(str(each.version) for each in found)} of {name}, "
            f"received {version}",
            status=404,
            code="model-not-found",
            title="Model not found",
        )

    def ready(self, seconds: float) -> Flow[bool]:
        """Say whether the service takes requests now. Raises Unreachable where it never will."""
        request = Request("GET", "health/ready")
        try:
            response = yield Send(request, seconds)
        except httpx.RequestError as error:
            if is_hopeless(error):
                raise unreachable(request, error) from error
            return False
        return bool(response.is_success)

    def request(self, operation: Operation, body: Body, chosen: Mapping[str, Any]) -> Flow[Request]:
        """Return the request of an operation.

        An array of colour images that names no model is meant for the one that takes photographs:
        the service is asked for its name once.
        """
        query = options.parameters(operation, chosen)
        if body.is_colour_array and "model" not in query and operation in OF_PHOTOGRAPHS:
            name = yield from self._of_photographs(operation)
            query |= {"model": name} if name else {}
        is_json = operation in ("score", "neighbours")
        headers = {"Accept": JSON} if is_json else options.accepted(chosen)
        if not headers and operation in ("encode", "decode"):
            headers = {"Accept": NPY}
        if body.media_type:
            headers["Content-Type"] = body.media_type
        return Request("POST", operation, query, headers, body.content)

    def _of_photographs(self, operation: Operation) -> Flow[str]:
        if operation not in self.photographs:
            for model in (yield from self.models()):
                if operation in model.default_for_pictures:
                    self.photographs[operation] = model.name
        return self.photographs.get(operation, "")


def searched(items: Items | Array | Result, chosen: Mapping[str, Any]) -> Body:
    """Return the body of a request for neighbours, of codings where these are chosen."""
    if isinstance(items, Result) or chosen.get("of") == "codings":
        return coded(cast("Array | Result", items))
    return rows.read(items)


def coded(codings: Array | Result) -> Body:
    """Return the body of a request to decode.

    Args:
        codings: (batch, ...), also of one image, as `encode` returns them: its result, or its
            array.
    """
    if isinstance(codings, Result):
        return Body(codings.content, codings.media_type)
    return Body(images.npy(codings), NPY)
