"""POST /v2/models/{model}[/versions/{version}]/infer."""

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from service.api import headers
from service.api.codecs.codec import SHORT_BODY, SHORT_OUTPUT
from service.api.codecs.json_errors import Unexplained
from service.api.media_types import JSON, NPY
from service.api.open_inference import request, tensors
from service.api.open_inference import response as answer
from service.api.open_inference.naming import OPERATIONS, Served, find
from service.api.open_inference.schemas import (
    InferenceRequest,
    InferenceResponse,
    Name,
    Version,
    errors,
)
from service.api.pipeline import Serving
from service.api.problems import error
from service.api.request import Exchange
from service.api.routing import DirectRoute
from service.api.tiled import Tiled, takes
from service.inference.admission import Ticket
from service.inference.batcher import Result
from service.inference.pixels import to_floats
from service.inference.tiling.denoise import Denoised


# What OpenAPI shows.
def infer(model: Name, request: InferenceRequest) -> None:
    """Run a model, in its newest version."""


def infer_version(model: Name, version: Version, request: InferenceRequest) -> None:
    """Run one version of a model."""


def routes(serving: Serving) -> list[APIRoute]:
    """Return the routes that run models."""
    binary = {answer.BINARY: {"schema": {"type": "string", "format": "binary"}}}
    described: dict[str, Any] = {
        "tags": ["open inference"],
        "response_model": InferenceResponse,
        "openapi_extra": {"requestBody": {"content": binary}},
        "responses": {200: {"content": binary}}
        | errors(
            {
                400: "The body is not as it, or a header, says",
                404: "No such model or version, or it is not ready",
                413: "The body, its JSON, or the output that it asks for is too large",
                422: "A tensor is not as expected; the answer says what was",
                429: "The queue is full; Retry-After says when to come again",
                503: "It took too long",
            }
        ),
    }
    app = Infer(serving)
    return [
        DirectRoute("/v2/models/{model}/infer", infer, app, **described),
        DirectRoute("/v2/models/{model}/versions/{version}/infer", infer_version, app, **described),
    ]


class Infer:
    """The ASGI application that answers inference requests: read, run, write, each stage timed."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        _, _, suffix = scope["path_params"]["model"].rpartition(".")
        operation = OPERATIONS.get(suffix, "")
        await self._serving.handle(exchange, operation, self._answer, error)

    async def _answer(self, exchange: Exchange) -> None:
        serving, named = self._serving, exchange.scope["path_params"]
        served = find(serving.store, named["model"], named.get("version"))
        model = exchange.model = served.model
        exchange.headers = headers.naming(model)
        limit = serving.limits.body_bytes
        with serving.admission.admit(exchange.length(limit)) as ticket:
            body = await exchange.body(limit, ticket)
            began = time.perf_counter()
            header = exchange.header(request.HEADER_SENT)
            text, data = request.split(body, header)
            read = partial(self._read, served, text, data, is_raw=header == "0")
            try:
                if len(text) <= SHORT_BODY[JSON] and len(data) <= SHORT_BODY[NPY]:
                    asked, size = read()
                else:
                    asked, size = await asyncio.to_thread(read)
            except Unexplained as wrong:
                await asyncio.to_thread(wrong.explain)
            parsed = time.perf_counter()
            result = await self._run(exchange, served, asked, ticket, size)
            ran = time.perf_counter()
            write = partial(answer.write, served, asked, result.output)
            if asked.binary or result.output.size <= SHORT_OUTPUT[JSON]:
                kind, more, parts = write()
            else:
                kind, more, parts = await asyncio.to_thread(write)
            more.append(headers.timing(exchange, began, parsed, ran, result))
            await exchange.answer(200, kind, more, *parts)

    async def _run(
        self, exchange: Exchange, served: Served, asked: request.Request, ticket: Ticket, size: int
    ) -> Result | Denoised:
        """What became of the inputs; size: bytes of all arrays beside the body."""
        model, inputs = served.model, asked.inputs
        if not takes(model):
            exchange.items = len(inputs)
            ticket.grow(items=exchange.items - 1, size=size)
            return await exchange.outcome(model.submit(served.operation, inputs, asked.steps))
        limits = self._serving.limits
        tiled = Tiled(exchange, model, ticket)
        tiled.admit(inputs.shape, limits.pixels)
        ticket.grow(size=limits.check_output(inputs.shape))
        exchange.progress()
        told = [None] * len(inputs) if asked.sigma is None else asked.sigma.tolist()
        result = await tiled.all(inputs, told)
        if inputs.dtype == np.float32:
            return result
        output = await asyncio.to_thread(to_floats, result.output, model.manifest.pixels)
        return replace(result, output=output)

    def _read(
        self, served: Served, text: bytes, data: memoryview, *, is_raw: bool
    ) -> tuple[request.Request, int]:
        """What is asked for, checked, and the bytes of all arrays beside the body."""
        model, operation = served.model, served.operation
        if is_raw:
            asked = request.read_raw(data, model.input(operation))
        else:
            asked = request.read(text, data, model, operation)
        if takes(model):
            if asked.sigma is not None:
                model.session(operation).sigmas(asked.sigma, len(asked.inputs))
            return asked, 0  # what else there is to check is checked a tile at a time
        size = self._serving.check(model, operation, asked.inputs, asked.steps)
        return asked, size + (asked.inputs.nbytes if tensors.is_copy(asked.inputs) else 0)
