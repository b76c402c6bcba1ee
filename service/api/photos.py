"""POST /denoise for a model of photographs: any size, given back as it came but for the noise."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.api import headers
from service.api.body import Body
from service.api.codecs import codec as content
from service.api.codecs import multipart as forms
from service.api.media_types import ARRAYS, JSON, MULTIPART, NPY
from service.api.negotiation import choose
from service.api.pipeline import Limits
from service.api.tiled import Tiled
from service.errors import BodyTooLarge, NotAcceptable, ShapeMismatch
from service.images.decode import area, read
from service.images.encode import QUALITY, check, writable, write
from service.images.photograph import MEDIA_TYPES, PNG, Photograph
from service.inference.pixels import to_pixels
from service.inference.tiling.canvas import Picture


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
    writers and Tiled do, NotAcceptable and BodyTooLarge.
    """
    work.exchange.progress()  # all of the body is here
    found, boundary = kind
    answering = _Answering(work, asked, limits, time.perf_counter())
    if found in ARRAYS:
        await answering.array(body, found)
        return
    files: Sequence[Body] = [body]
    if found == MULTIPART:
        files = await asyncio.to_thread(forms.files, body, boundary)
    # What is too much is refused before any of it is decoded.
    pixels = await asyncio.to_thread(_area, files, limits.pixels)
    work.ticket.grow(pixels=pixels)
    work.exchange.items = len(files)
    if len(files) == 1:
        await answering.file(files[0])
    else:
        await answering.files(files)


@dataclass(frozen=True, slots=True)
class _Answering:
    work: Tiled
    asked: How
    limits: Limits
    began: float

    async def file(self, body: Body) -> None:
        photograph = await asyncio.to_thread(read, body, self.limits.pixels)
        kind = await asyncio.to_thread(self._kind, photograph)
        if kind in ARRAYS:
            await self._batch(_stacked([photograph]), kind)
            return
        parsed = self._parsed()
        result = await self.work.one(photograph.pixels, self.asked.sigma, self.asked.strength)
        ran = time.perf_counter()
        photograph = replace(photograph, pixels=result.output)  # the noisy ones can go
        file = await asyncio.to_thread(
            write, photograph, photograph.pixels, kind, self.asked.quality
        )
        timing = headers.timing(self.work.exchange, self.began, parsed, ran, result)
        await self.work.exchange.answer(200, kind, (timing,), file)

    async def files(self, files: Sequence[Body]) -> None:
        photographs = [await asyncio.to_thread(read, file, self.limits.pixels) for file in files]
        stacked = await asyncio.to_thread(_stacked, photographs)
        await self._batch(stacked, self._chosen((JSON, NPY)))

    async def array(self, body: Body, found: str) -> None:
        batch = await asyncio.to_thread(
            content.read_array, body, found, self.work.model, "denoise", scaled=False
        )
        self.work.admit(batch.inputs.shape, self.limits.pixels)
        answer = content.answer_type(self.work.exchange.header(b"accept"), batch)
        await self._batch(batch.inputs, answer, as_pixels=batch.as_pixels)

    async def _batch(self, inputs: Picture, answer: str, *, as_pixels: bool = False) -> None:
        """Answer with an array, or with the one picture of a batch."""
        work = self.work
        if answer == JSON or (answer == NPY and not as_pixels):
            work.ticket.grow(size=self.limits.check_output(inputs.shape))
        parsed = self._parsed()
        sigmas = [self.asked.sigma] * len(inputs)
        result = await work.all(inputs, sigmas, self.asked.strength)
        ran = time.perf_counter()
        parts = await asyncio.to_thread(self._written, result.output, answer, as_pixels=as_pixels)
        timing = headers.timing(work.exchange, self.began, parsed, ran, result)
        await work.exchange.answer(200, answer, (timing,), *parts)

    def _written(
        self, outputs: Picture, answer: str, *, as_pixels: bool
    ) -> tuple[bytes | memoryview, ...]:
        model = self.work.model
        if answer in ARRAYS:
            return content.write(outputs, answer, model, as_pixels=as_pixels)
        pixels = outputs[0]
        if pixels.dtype == np.float32:
            pixels = to_pixels(pixels, model.manifest.pixels)
        return (write(Photograph(pixels, None, PNG), pixels, answer, self.asked.quality),)

    def _parsed(self) -> float:
        self.work.exchange.progress()
        return time.perf_counter()

    def _kind(self, photograph: Photograph) -> str:
        try:
            return self._chosen((*writable(photograph), JSON, NPY))
        except NotAcceptable:
            check(photograph, self._chosen((*MEDIA_TYPES, JSON, NPY)))  # which knows the reason
            raise

    def _chosen(self, offered: Sequence[str]) -> str:
        return choose(self.work.exchange.header(b"accept"), offered)


def _area(files: Sequence[Body], max_pixels: int) -> int:
    pixels = sum(area(file, max_pixels) for file in files)
    if pixels > max_pixels:
        raise BodyTooLarge(f"file: expected at most {max_pixels} pixels in all, received {pixels}")
    return pixels


def _stacked(photographs: Sequence[Photograph]) -> Picture:
    """Photographs of one size as an array (batch, height, width, 3), of 16 bits if one is."""
    sizes = [photograph.pixels.shape[:2] for photograph in photographs]
    if len(set(sizes)) > 1:
        raise ShapeMismatch(
            "file: expected photographs of one size, received "
            + ", ".join(f"{width}x{height}" for height, width in sizes)
            + "; those of several sizes go into a request each"
        )
    deep = any(photograph.pixels.dtype == np.uint16 for photograph in photographs)
    stacked = np.empty((len(sizes), *sizes[0], 3), np.uint16 if deep else np.uint8)
    for place, photograph in zip(stacked, photographs, strict=True):
        pixels = photograph.pixels
        place[:] = pixels if pixels.ndim == 3 else pixels[..., None]
        if deep and pixels.dtype == np.uint8:
            np.multiply(place, 257, out=place)  # 65535 is as bright as 255
    return stacked
