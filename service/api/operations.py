"""POST /encode, /decode and /denoise."""

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.api import content
from service.api.openapi import describe
from service.errors import BodyTooLarge, InvalidValue
from service.inference.store import Store
from service.manifest import OperationName


@dataclass(frozen=True)
class Limits:
    """The most that a request may ask for: bytes of its body and of the output, pixels, steps."""

    body_bytes: int
    output_bytes: int
    pixels: int
    steps: int


class Choice(BaseModel):
    """Which model: one of the settings where none is named, and the newest version."""

    model_config = ConfigDict(extra="forbid")

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


def create_router(store: Store, defaults: Mapping[OperationName, str], limits: Limits) -> APIRouter:
    """Return the routes of the three operations over a store of models.

    defaults: the model of each operation where a request names none.
    """
    router = APIRouter(tags=["operations"], default_response_class=Response)

    async def answer(
        operation: OperationName,
        request: Request,
        choice: Choice,
        *,
        fit: bool = False,
        steps: int | None = None,
    ) -> Response:
        model = store.get_for(operation, choice.model or defaults[operation], choice.version)
        request.state.headers = headers = {
            "X-Model": model.name,
            "X-Model-Version": str(model.version),
            "X-Execution-Provider": model.provider,
        }
        _check_steps(steps, limits.steps)
        body = await _read(request, limits.body_bytes)

        def parse() -> tuple[content.Batch, str]:
            content_type = request.headers.get("content-type", "")
            batch = content.read(
                body,
                content_type,
                model,
                operation,
                fit=fit,
                max_pixels=limits.pixels,
                max_steps=limits.steps,
            )
            model.check(operation, batch.inputs, steps)
            accept = ", ".join(request.headers.getlist("accept"))
            media_type = content.answer_type(accept, batch)
            received = dict(zip(model.input(operation).shape, batch.inputs.shape, strict=True))
            _check_steps(received.get("steps"), limits.steps)
            _check_output(model.output_shape(operation, batch.inputs, steps), limits.output_bytes)
            return batch, media_type

        began = time.perf_counter()
        batch, media_type = await asyncio.to_thread(parse)
        parsed = time.perf_counter()
        result = await model.run(operation, batch.inputs, steps)
        ran = time.perf_counter()
        written = await asyncio.to_thread(
            content.write, result.output, media_type, model, as_pixels=batch.as_pixels
        )
        stages = {
            "parse": parsed - began,
            "queue": result.queue,
            "inference": result.inference,
            "write": time.perf_counter() - ran,
        }
        headers["Server-Timing"] = ", ".join(
            f"{stage};dur={seconds * 1000:.3f}" for stage, seconds in stages.items()
        )
        return Response(written, media_type=media_type, headers=headers)

    @router.post("/encode", **describe("encode"))
    async def encode(request: Request, choice: Annotated[PictureChoice, Query()]) -> Response:
        """Images to codings: (batch, 28, 28) in [0, 1] -> a coding each."""
        return await answer("encode", request, choice, fit=choice.fit)

    @router.post("/decode", **describe("decode"))
    async def decode(request: Request, choice: Annotated[DecodeChoice, Query()]) -> Response:
        """Codings to reconstructions, the images that they stand for."""
        return await answer("decode", request, choice, steps=choice.steps)

    @router.post("/denoise", **describe("denoise"))
    async def denoise(request: Request, choice: Annotated[PictureChoice, Query()]) -> Response:
        """Noisy images to clean ones, by a model trained to remove noise."""
        return await answer("denoise", request, choice, fit=choice.fit)

    return router


async def _read(request: Request, limit: int) -> bytes:
    """The body, refused as soon as it is known to be too large."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(f"body: expected at most {limit} bytes, received {declared}")
    chunks, received = [], 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise BodyTooLarge(f"body: expected at most {limit} bytes, received more")
        chunks.append(chunk)
    return b"".join(chunks)


def _check_steps(steps: int | None, limit: int) -> None:
    if steps is not None and steps > limit:
        raise InvalidValue(f"steps: expected at most {limit}, received {steps}")


def _check_output(shape: tuple[int, ...], limit: int) -> None:
    """A small body may ask for a large answer: codings are shorter than what they stand for."""
    size = 4 * math.prod(shape)
    if size > limit:
        raise BodyTooLarge(
            f"outputs: expected at most {limit} bytes of float32, "
            f"received a request for {size}, of shape {shape}"
        )
