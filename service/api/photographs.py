"""POST /denoise for a model of photographs: any size, given back as it came but for the noise."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from service.api import content, forms, headers
from service.api.body import Body
from service.api.exchange import Exchange
from service.api.negotiation import choose
from service.api.serving import Limits
from service.errors import BodyTooLarge, ShapeMismatch
from service.inference.admission import Ticket
from service.inference.canvas import Picture
from service.inference.model import Model
from service.inference.tiling import Denoised, denoise
from service.photographs.reading import read, size
from service.photographs.writing import QUALITY, writable, write


@dataclass(frozen=True, slots=True)
class How:
    """How noisy photographs are, how much of that to remove, and how to write them."""

    sigma: float | None
    strength: float | None
    quality: int | None


def takes(model: Model) -> bool:
    """Return whether a model denoises photographs of any size."""
    described = model.manifest.operations.get("denoise")
    return described is not None and described.tiles is not None


async def respond(
    exchange: Exchange,
    model: Model,
    body: Body,
    kind: tuple[str, str],
    ticket: Ticket,
    how: How,
    limits: Limits,
) -> None:
    """Answer with photographs without their noise: one as a file, several or arrays as a batch.

    A file is in the format that it came in, or one that is asked for. Raises as the readers, the
    writers and denoise() do, NotAcceptable, BodyTooLarge and Overloaded.
    """
    work = _Work(exchange, model, ticket, how, limits)
    found, boundary = kind
    files = forms.files(body, boundary) if found == content.MULTIPART else [body]
    if found not in content.ARRAYS and len(files) == 1:
        await work.file(files[0])
    else:
        await work.batch(body, kind)


@dataclass(frozen=True, slots=True)
class _Work:
    exchange: Exchange
    model: Model
    ticket: Ticket
    how: How
    limits: Limits

    async def file(self, body: Body) -> None:
        began = time.perf_counter()
        width, height = await asyncio.to_thread(size, body, self.limits.pixels)
        self.ticket.grow(pixels=width * height)
        photograph = await asyncio.to_thread(read, body, self.limits.pixels)
        self.ticket.grow(size=2 * photograph.pixels.nbytes)
        kind = choose(self.exchange.header(b"accept"), writable(photograph))
        parsed = time.perf_counter()
        result = await self._denoised(photograph.pixels)
        ran = time.perf_counter()
        quality = QUALITY if self.how.quality is None else self.how.quality
        file = await asyncio.to_thread(write, photograph, result.output, kind, quality)
        timing = headers.timing(self.exchange, began, parsed, ran, result)
        await self.exchange.answer(200, kind, (timing,), file)

    async def batch(self, body: Body, kind: tuple[str, str]) -> None:
        began = time.perf_counter()
        batch = await asyncio.to_thread(self._read, body, kind)
        answer = content.answer_type(self.exchange.header(b"accept"), batch)
        self.exchange.items = len(batch.inputs)
        self.ticket.grow(
            items=len(batch.inputs) - 1,
            size=2 * batch.inputs.nbytes,
            pixels=math.prod(batch.inputs.shape[:-1]),
        )
        parsed = time.perf_counter()
        results = [await self._denoised(each) for each in batch.inputs]
        result = Denoised(
            np.stack([each.output for each in results]),
            sum(each.queue for each in results),
            sum(each.inference for each in results),
        )
        ran = time.perf_counter()
        parts = await asyncio.to_thread(
            content.write, result.output, answer, self.model, as_pixels=batch.as_pixels
        )
        timing = headers.timing(self.exchange, began, parsed, ran, result)
        await self.exchange.answer(200, answer, (timing,), *parts)

    def _read(self, body: Body, kind: tuple[str, str]) -> content.Batch:
        """The inputs of a body, of the shape that the model takes."""
        batch = content.read(
            body, kind, self.model, "denoise",
            fit=True, max_pixels=self.limits.pixels, max_steps=1,
        )  # fmt: skip
        expected, received = self.model.input("denoise").shape, batch.inputs.shape
        if len(received) != len(expected) or received[-1] != expected[-1] or 0 in received:
            raise ShapeMismatch(
                f"inputs: expected ({', '.join(map(str, expected))}), received {received}"
            )
        pixels = math.prod(received[:-1])
        if pixels > self.limits.pixels:
            raise BodyTooLarge(
                f"inputs: expected at most {self.limits.pixels} pixels, received {pixels}"
            )
        return batch

    async def _denoised(self, picture: Picture) -> Denoised:
        strength = 1.0 if self.how.strength is None else self.how.strength
        done: Callable[[int], None] = self.ticket.done
        work = denoise(self.model, picture, sigma=self.how.sigma, strength=strength, done=done)
        return await self.exchange.outcome(asyncio.create_task(work))
