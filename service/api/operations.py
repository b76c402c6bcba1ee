"""POST /encode, /decode and /denoise."""

import asyncio
import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from starlette.types import Receive, Scope, Send

from service.api import headers
from service.api import photos as photographs
from service.api.body import Body
from service.api.codecs import codec as content
from service.api.defaults import Defaults
from service.api.media_types import ARRAYS, JSON, media_type
from service.api.openapi import describe
from service.api.pipeline import Serving
from service.api.problems import problem
from service.api.query import (
    Asked,
    Choice,
    DecodeChoice,
    DenoiseChoice,
    PictureChoice,
    parsed,
)
from service.api.request import Exchange
from service.api.routing import DirectRoute
from service.api.tiled import Tiled, takes
from service.errors import InvalidValue
from service.inference.admission import Ticket
from service.inference.model import Model
from service.manifest import OperationName


# What OpenAPI shows of the operations: their parameters and a sentence each.
def encode(choice: Annotated[PictureChoice, Query()]) -> None:
    """Images to codings: (batch, 28, 28) in [0, 1] -> a coding each."""


def decode(choice: Annotated[DecodeChoice, Query()]) -> None:
    """Codings to reconstructions, the images that they stand for."""


def denoise(choice: Annotated[DenoiseChoice, Query()]) -> None:
    """Noisy images and photographs to clean ones, by a model trained to remove noise."""


SHOWN: Mapping[OperationName, Callable[..., None]] = {
    "encode": encode,
    "decode": decode,
    "denoise": denoise,
}


def routes(serving: Serving, defaults: Defaults) -> list[DirectRoute]:
    """Return the routes of the three operations; defaults: what answers where none is named."""
    served: Mapping[OperationName, Operation] = {
        "encode": Operation("encode", serving, defaults, PictureChoice),
        "decode": Operation("decode", serving, defaults, DecodeChoice),
        "denoise": Denoise("denoise", serving, defaults, DenoiseChoice),
    }
    return [
        DirectRoute(
            f"/{operation}",
            shown,
            served[operation],
            tags=["operations"],
            **describe(operation),
        )
        for operation, shown in SHOWN.items()
    ]


class Operation:
    """The ASGI application of one operation: read, run, write, each stage timed."""

    def __init__(
        self,
        operation: OperationName,
        serving: Serving,
        defaults: Defaults,
        choice: type[Choice],
    ) -> None:
        self._operation: OperationName = operation
        self._serving = serving
        self._defaults = defaults
        self._choice = choice

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        await self._serving.handle(exchange, self._operation, self._answer, problem)

    async def _answer(self, exchange: Exchange) -> None:
        choice = parsed(exchange.scope["query_string"], self._choice)
        operation, serving = self._operation, self._serving
        named = choice.model
        model = self._find(exchange, named, choice) if named else None
        limit = serving.limits.body_bytes
        with serving.admission.admit(exchange.length(limit)) as ticket:
            body = await exchange.body(limit, ticket)
            kind = media_type(body, exchange.header(b"content-type"), operation)
            if model is None:
                model = self._find(exchange, self._meant(kind[0]), choice)
            await self._respond(exchange, Work(model, choice, body, kind, ticket))

    def _meant(self, media_type: str) -> str:
        """The model for a body of a media type where none is named."""
        if media_type in ARRAYS:
            return self._defaults.operations[self._operation]
        return self._defaults.of_pictures(self._operation, self._serving.store)

    def _find(self, exchange: Exchange, name: str, choice: Asked) -> Model:
        model = self._serving.store.get_for(self._operation, name, choice.version)
        exchange.model = model
        exchange.headers = headers.naming(model)
        return model

    async def _respond(self, exchange: Exchange, work: "Work") -> None:
        began = time.perf_counter()
        model, operation = work.model, self._operation
        at_once = content.read_at_once(work.body, work.kind, model, operation)
        if at_once is not None:
            batch, answer, size = self._checked(exchange, work, at_once)
        else:
            batch, answer, size = await asyncio.to_thread(self._read, exchange, work)
        exchange.items = len(batch.inputs)
        work.ticket.grow(items=exchange.items - 1, size=size)
        parsed = time.perf_counter()
        future = model.submit(operation, batch.inputs, work.choice.steps)
        result = await exchange.outcome(future)
        ran = time.perf_counter()
        writer = functools.partial(
            content.write, result.output, answer, model, as_pixels=batch.as_pixels
        )
        if content.is_short(result.output, answer, as_pixels=batch.as_pixels):
            parts = writer()
        else:
            parts = await asyncio.to_thread(writer)
        timing = headers.timing(exchange, began, parsed, ran, result)
        await exchange.answer(200, answer, (timing,), *parts)

    def _read(self, exchange: Exchange, work: "Work") -> tuple[content.Batch, str, int]:
        """The inputs of any body, checked."""
        limits = self._serving.limits
        batch = content.read(
            work.body,
            work.kind,
            work.model,
            self._operation,
            fit=work.choice.fit,
            max_pixels=limits.pixels,
            max_steps=limits.steps,
        )
        batch, answer, size = self._checked(exchange, work, batch)
        copied = len(work.body) if work.kind[0] == JSON else 0
        return batch, answer, size + copied

    def _checked(
        self, exchange: Exchange, work: "Work", batch: content.Batch
    ) -> tuple[content.Batch, str, int]:
        """The inputs, the answer's media type, and the bytes of all arrays beside the body."""
        size = self._serving.check(
            work.model,
            self._operation,
            batch.inputs,
            work.choice.steps,
            known_finite=batch.known_finite,
        )
        copied = batch.inputs.nbytes if batch.copied else 0
        return batch, content.answer_type(exchange.header(b"accept"), batch), size + copied


class Denoise(Operation):
    """The application of /denoise, which also takes photographs of any size."""

    async def _respond(self, exchange: Exchange, work: "Work") -> None:
        choice = work.choice
        if takes(work.model):
            how = photographs.how(choice.sigma, choice.strength, choice.quality)
            tiled = Tiled(exchange, work.model, work.ticket)
            await photographs.respond(tiled, work.body, work.kind, how, self._serving.limits)
        elif (choice.sigma, choice.strength, choice.quality) != (None, None, None):
            raise InvalidValue(
                "sigma, strength, quality: expected none with a model of images of one size, "
                f"received some with {work.model.name}"
            )
        else:
            await super()._respond(exchange, work)


@dataclass(frozen=True, slots=True)
class Work:
    """What a request asks for, and of which model, before its body is read."""

    model: Model
    choice: Asked
    body: Body
    kind: tuple[str, str]
    ticket: Ticket
