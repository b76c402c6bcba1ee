"""POST /denoise for a model of photographs: any size, given back as it came but for the noise."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.api import content, forms, headers
from service.api.body import Body
from service.api.media import ARRAYS, MULTIPART
from service.api.negotiation import choose
from service.api.serving import Limits
from service.api.tiled import Tiled
from service.photographs.reading import area, read
from service.photographs.writing import QUALITY, writable, write


@dataclass(frozen=True, slots=True)
class How:
    """How noisy photographs are, how much of that to remove, and how to write them."""

    sigma: float | None
    strength: float
    quality: int


def how(sigma: float | None, strength: float | None, quality: int | None) -> How:
    """Return what is asked for, and what is done where nothing is."""
    return How(
        sigma,
        1.0 if strength is None else strength,
        QUALITY if quality is None else quality,
    )


async def respond(
    work: Tiled, body: Body, kind: tuple[str, str], asked: How, limits: Limits
) -> None:
    """Answer with photographs without their noise: one as a file, several or arrays as a batch.

    A file is in the format that it came in, or one that is asked for. Raises as the readers, the
    writers and Tiled do, and NotAcceptable.
    """
    found, boundary = kind
    files: Sequence[Body] = [body]
    if found == MULTIPART:
        files = await asyncio.to_thread(forms.files, body, boundary)
    if found in ARRAYS:
        await _batch(work, lambda: _array(work, body, found), asked, limits)
    elif len(files) == 1:
        await _file(work, files[0], asked, limits)
    else:
        await _batch(work, lambda: _pictures(work, files, limits), asked, limits)


async def _file(work: Tiled, body: Body, asked: How, limits: Limits) -> None:
    began = time.perf_counter()
    # What is too much is refused before it is decoded.
    work.ticket.grow(pixels=await asyncio.to_thread(area, body, limits.pixels))
    photograph = await asyncio.to_thread(read, body, limits.pixels)
    kind = choose(work.exchange.header(b"accept"), writable(photograph))
    parsed = time.perf_counter()
    result = await work.one(photograph.pixels, asked.sigma, asked.strength)
    ran = time.perf_counter()
    file = await asyncio.to_thread(write, photograph, result.output, kind, asked.quality)
    timing = headers.timing(work.exchange, began, parsed, ran, result)
    await work.exchange.answer(200, kind, (timing,), file)


async def _batch(
    work: Tiled, read: Callable[[], content.Batch], asked: How, limits: Limits
) -> None:
    began = time.perf_counter()
    batch = await asyncio.to_thread(read)
    answer = content.answer_type(work.exchange.header(b"accept"), batch)
    parsed = time.perf_counter()
    sigmas = [asked.sigma] * len(batch.inputs)
    result = await work.all(batch.inputs, sigmas, asked.strength, max_pixels=limits.pixels)
    ran = time.perf_counter()
    parts = await asyncio.to_thread(
        content.write, result.output, answer, work.model, as_pixels=batch.as_pixels
    )
    timing = headers.timing(work.exchange, began, parsed, ran, result)
    await work.exchange.answer(200, answer, (timing,), *parts)


def _array(work: Tiled, body: Body, found: str) -> content.Batch:
    return content.read_array(body, found, work.model, "denoise", scaled=False)


def _pictures(work: Tiled, files: Sequence[Body], limits: Limits) -> content.Batch:
    return content.read_pictures(
        files, work.model, "denoise", fit=True, max_pixels=limits.pixels, max_steps=1, scaled=False
    )
