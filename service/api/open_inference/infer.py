"""POST /v2/models/{model}[/versions/{version}]/infer."""

from collections.abc import Callable
from typing import Any

import numpy as np
from fastapi.routing import APIRoute

from service.api.body import Body
from service.api.codecs.batch import SHORT_BODY, SHORT_OUTPUT
from service.api.codecs.codec import Array, Codec, Declared, Encoded, Inputs, Runner
from service.api.codecs.json_errors import Unexplained
from service.api.estimate import estimates
from service.api.media_types import JSON, NPY
from service.api.open_inference import outputs, request, response
from service.api.open_inference.naming import OPERATIONS, Served, find
from service.api.open_inference.schemas import (
    InferenceRequest,
    InferenceResponse,
    Name,
    Version,
    errors,
)
from service.api.pipeline import Batches, BodyEndpoint, name_model
from service.api.problems import open_inference_error
from service.api.request import Exchange
from service.api.routing import DirectRoute, Serving
from service.api.tiles import tiles
from service.inference.pixels import LARGEST, to_floats


# The signatures and docstrings that OpenAPI shows; nothing calls these functions.
def infer(model: Name, request: InferenceRequest) -> None:
    """Run a model, in its newest version."""


def infer_version(model: Name, version: Version, request: InferenceRequest) -> None:
    """Run one version of a model."""


def routes(serving: Serving) -> list[APIRoute]:
    """Return the routes that run models."""
    binary = {response.BINARY: {"schema": {"type": "string", "format": "binary"}}}
    described: dict[str, Any] = {
        "tags": ["open inference"],
        "response_model": InferenceResponse,
        "openapi_extra": {"requestBody": {"content": binary}},
        "responses": {200: {"content": binary}}
        | errors(
            {
                400: "The body is not what it, or a header, says",
                404: "No such model or version, or it is not ready",
                413: "The body, its JSON, or the requested output is too large",
                422: "A tensor is not as expected; the error says what was",
                429: "The queue is full; Retry-After says when to try again",
                503: "Deadline exceeded, or the service is shutting down",
            }
        ),
    }
    app = Infer(serving)
    return [
        DirectRoute("/v2/models/{model}/infer", infer, app, **described),
        DirectRoute("/v2/models/{model}/versions/{version}/infer", infer_version, app, **described),
    ]


class Infer(BodyEndpoint):
    """The endpoint of inference requests, whatever operation the model's name says."""

    failure = staticmethod(open_inference_error)

    def __init__(self, serving: Serving) -> None:
        super().__init__(serving)
        self._batches = Batches(serving.limits)

    def label(self, exchange: Exchange) -> str:
        _, _, suffix = exchange.scope["path_params"]["model"].rpartition(".")
        return OPERATIONS.get(suffix, "")

    def prepare(self, exchange: Exchange) -> Callable[[Body], Codec]:
        named = exchange.scope["path_params"]
        served = find(self._serving.registry, named["model"], named.get("version"))
        name_model(exchange, served.model)
        keeps_pixels = served.operation in served.model.of_photographs
        runner: Runner = self._batches
        if keeps_pixels:
            of = estimates if served.operation == "estimate" else tiles
            runner = of(served.model, self._serving.limits)
        header = exchange.header(request.HEADER_SENT)
        codec = InferenceCodec(runner, served, header, keeps_pixels=keeps_pixels)
        return lambda _: codec


class InferenceCodec:
    """The codec of an inference request: JSON, with or without the bytes of tensors after it."""

    declared: Callable[[Body], Declared] | None = None

    def __init__(self, runner: Runner, served: Served, header: str, *, keeps_pixels: bool) -> None:
        """Create the codec of a request.

        Args:
            runner: Runs the inputs.
            served: The operation of a model to run.
            header: Says how long the JSON of the body is.
            keeps_pixels: As request.read() takes it.
        """
        self.runner = runner
        self.batcher = served.model.batchers[served.operation]
        self._served = served
        self._offered = [each.name for each in outputs.offered(served)]
        self._header = header
        self._keeps_pixels = keeps_pixels
        self._request: request.Request | None = None

    def decode_now(self, body: Body) -> Inputs | None:
        text, data = request.split(body, self._header)
        if len(text) > SHORT_BODY[JSON] or len(data) > SHORT_BODY[NPY]:
            return None
        try:
            return self._decode(text, data)
        except Unexplained:
            return None

    def decode(self, body: Body) -> Inputs:
        try:
            return self._decode(*request.split(body, self._header))
        except Unexplained as error:
            error.explain()

    def _decode(self, text: bytes, data: memoryview) -> Inputs:
        session, served = self.batcher.session, self._served
        if self._header == "0":
            wanted = request.read_raw(data, session.operation.input, self._offered[0])
        else:
            wanted = request.read(
                text,
                data,
                served.model,
                served.operation,
                self._offered,
                keeps_pixels=self._keeps_pixels,
            )
        self._request = wanted
        if wanted.sigma is not None:
            session.sigmas(wanted.sigma, len(wanted.inputs))
        copied = wanted.inputs.nbytes if request.is_copy(wanted.inputs) else 0
        return Inputs(
            wanted.inputs,
            wanted.steps,
            wanted.sigma,
            wanted.controls,
            known_finite=False,
            copied=copied,
        )

    def negotiate(self, _count: int) -> None:
        """Do nothing: the request itself says how its outputs come back, not its Accept header."""

    def has_floats(self) -> bool:
        return True

    def encodes_now(self, result: Array) -> bool:
        wanted = self._request.outputs if self._request else {}
        is_copied = wanted == {self._offered[0]: True}
        return result.dtype == np.float32 and (is_copied or result.size <= SHORT_OUTPUT[JSON])

    def encode(self, result: Array) -> Encoded:
        assert self._request is not None
        if result.dtype in LARGEST:
            result = to_floats(result, self._served.model.manifest.pixels)
        asked = self._request
        found = outputs.computed(self._served, asked.inputs, result, asked.outputs)
        return response.write(self._served, asked, found)
