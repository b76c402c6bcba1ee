"""POST /encode, /decode and /denoise."""

import asyncio
import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Query
from pydantic import BaseModel, Field, ValidationError
from starlette.types import Receive, Scope, Send

from service.api import content, headers
from service.api.direct import DirectRoute
from service.api.exchange import Exchange
from service.api.openapi import describe
from service.api.problems import problem
from service.api.remembering import remembered
from service.api.serving import Serving
from service.errors import InvalidValue
from service.inference.model import Model
from service.manifest import OperationName
from service.validation import explain


class Choice(BaseModel):
    """Which model: one of the settings where none is named, and the newest version."""

    model: Annotated[str | None, Field(min_length=1, description="name, as /models lists them")] = (
        None
    )
    version: Annotated[int | None, Field(ge=1, description="the newest where it is left out")] = (
        None
    )


class PictureChoice(Choice):
    """Which model, and what to do with pictures that are not as it takes them."""

    fit: Annotated[
        bool, Field(description="convert and resize pictures to what the model takes")
    ] = False


class DecodeChoice(Choice):
    """Which model, and how long a sequence to give back."""

    steps: Annotated[
        int | None, Field(ge=1, description="rows to give back, for a recurrent model")
    ] = None


# What OpenAPI shows of the operations: their parameters and a sentence each.
def encode(choice: Annotated[PictureChoice, Query()]) -> None:
    """Images to codings: (batch, 28, 28) in [0, 1] -> a coding each."""


def decode(choice: Annotated[DecodeChoice, Query()]) -> None:
    """Codings to reconstructions, the images that they stand for."""


def denoise(choice: Annotated[PictureChoice, Query()]) -> None:
    """Noisy images to clean ones, by a model trained to remove noise."""


SHOWN: Mapping[OperationName, tuple[Callable[..., None], type[Choice]]] = {
    "encode": (encode, PictureChoice),
    "decode": (decode, DecodeChoice),
    "denoise": (denoise, PictureChoice),
}


def routes(serving: Serving, defaults: Mapping[OperationName, str]) -> list[DirectRoute]:
    """Return the routes of the three operations.

    defaults: the model of each operation where a request names none.
    """
    return [
        DirectRoute(
            f"/{operation}",
            shown,
            Operation(operation, serving, defaults[operation], choice),
            tags=["operations"],
            **describe(operation),
        )
        for operation, (shown, choice) in SHOWN.items()
    ]


class Operation:
    """The ASGI application of one operation: read, run, write, each stage timed."""

    def __init__(
        self, operation: OperationName, serving: Serving, default: str, choice: type[Choice]
    ) -> None:
        self._operation: OperationName = operation
        self._serving = serving
        self._default = default
        self._choice = choice

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        await self._serving.handle(exchange, self._operation, self._answer, problem)

    async def _answer(self, exchange: Exchange) -> None:
        choice = _parsed(exchange.scope["query_string"], self._choice)
        operation, serving = self._operation, self._serving
        name = choice.model or self._default
        model = exchange.model = serving.store.get_for(operation, name, choice.version)
        exchange.headers = headers.naming(model)
        limit = serving.limits.body_bytes
        with serving.admission.admit(exchange.length(limit)) as ticket:
            body = await exchange.body(limit, ticket)
            began = time.perf_counter()
            sent = exchange.header(b"content-type")
            kind = content.media_type(body, sent, operation)
            at_once = content.read_at_once(body, kind, model, operation)
            if at_once is not None:
                batch, answer, size = self._checked(exchange, model, choice, at_once)
            else:
                batch, answer, size = await asyncio.to_thread(
                    self._read, exchange, model, choice, body, kind
                )
            exchange.items = len(batch.inputs)
            ticket.grow(items=exchange.items - 1, size=size)
            parsed = time.perf_counter()
            future = model.submit(operation, batch.inputs, choice.steps)
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

    def _read(
        self,
        exchange: Exchange,
        model: Model,
        choice: "Asked",
        body: bytes | memoryview,
        kind: tuple[str, str],
    ) -> tuple[content.Batch, str, int]:
        """The inputs of any body, checked."""
        limits = self._serving.limits
        batch = content.read(
            body,
            kind,
            model,
            self._operation,
            fit=choice.fit,
            max_pixels=limits.pixels,
            max_steps=limits.steps,
        )
        batch, answer, size = self._checked(exchange, model, choice, batch)
        return batch, answer, size + (len(body) if kind[0] == content.JSON else 0)  # copied too

    def _checked(
        self, exchange: Exchange, model: Model, choice: "Asked", batch: content.Batch
    ) -> tuple[content.Batch, str, int]:
        """The inputs, the answer's media type, and the bytes of all arrays beside the body."""
        size = self._serving.check(
            model, self._operation, batch.inputs, choice.steps, known_finite=batch.known_finite
        )
        copied = batch.inputs.nbytes if batch.copied else 0
        return batch, content.answer_type(exchange.header(b"accept"), batch), size + copied


@dataclass(frozen=True, slots=True)
class Asked:
    """A choice of any of the three operations, as plain values."""

    model: str | None = None
    version: int | None = None
    fit: bool = False
    steps: int | None = None


@remembered(1024)
def _parsed(query: bytes, kind: type[Choice]) -> Asked:
    sent = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    parameters = dict(sent)
    for name in parameters:
        values = [value for each, value in sent if each == name]
        if name not in kind.model_fields:
            raise InvalidValue(
                f"query: expected one of {', '.join(kind.model_fields)}, received {name[:40]!r}"
            )
        if len(values) > 1 or not values[0]:
            raise InvalidValue(f"{name}: expected one value, received {', '.join(values)[:80]!r}")
    try:
        return Asked(**kind.model_validate(parameters).model_dump())
    except ValidationError as error:
        raise InvalidValue(explain(error)) from error
