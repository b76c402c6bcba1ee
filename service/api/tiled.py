"""Photographs of a request, denoised in tiles: counted, timed, and dropped when the client goes."""

import asyncio
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from service.api.request import Exchange
from service.errors import BodyTooLarge, InvalidValue, ShapeMismatch
from service.inference.admission import Ticket
from service.inference.model import Model
from service.inference.tiling.canvas import Picture
from service.inference.tiling.denoise import Denoised, denoise

SMALL = 256 * 256
"""Pixels of pictures of which several of a request are at work at once, to run in one batch."""
AT_ONCE = 8
LEAST = 64 * 64
"""Pixels that each picture of several counts as at least: what it takes besides to run one."""


def takes(model: Model) -> bool:
    """Return whether a model denoises photographs of any size."""
    described = model.manifest.operations.get("denoise")
    return described is not None and described.tiles is not None


@dataclass(frozen=True, slots=True)
class Tiled:
    """The work of one request for a model of photographs."""

    exchange: Exchange
    model: Model
    ticket: Ticket

    def admit(self, shape: tuple[int, ...], max_pixels: int) -> None:
        """Count pictures (batch, height, width, 3) by the pixels that will run for them.

        Raises ShapeMismatch for another shape, InvalidValue for an empty one, BodyTooLarge for more
        than max_pixels, Overloaded.
        """
        session = self.model.session("denoise")
        taken = session.operation.input
        if len(shape) != len(taken.shape) or shape[-1] != taken.shape[-1]:
            raise ShapeMismatch(
                f"{taken.name}: expected ({', '.join(map(str, taken.shape))}), received {shape}"
            )
        if 0 in shape:
            raise InvalidValue(f"{taken.name}: expected a pixel at least, received {shape}")
        count, height, width, _ = shape
        pixels = count * (max(LEAST, height * width) if count > 1 else height * width)
        if pixels > max_pixels:
            least = f" (each picture as {LEAST} at least)" if count > 1 else ""
            raise BodyTooLarge(
                f"{taken.name}: expected at most {max_pixels} pixels{least}, received {pixels}"
            )
        self.exchange.items = count
        sides = (-(-side // session.multiple) * session.multiple for side in (height, width))
        self.ticket.grow(pixels=count * math.prod(sides))

    async def one(
        self, picture: Picture, sigma: float | None = None, strength: float = 1.0
    ) -> Denoised:
        """Return what becomes of a picture whose pixels are counted.

        Raises as denoise() does, DeadlineExceeded where a tile takes too long, ClientDisconnect.
        """
        work = self._one(picture, sigma, strength)
        return await self.exchange.outcome(asyncio.create_task(work))

    async def all(
        self, pictures: Picture, sigmas: Sequence[float | None], strength: float = 1.0
    ) -> Denoised:
        """Return what becomes of pictures (batch, height, width, 3) that are counted.

        sigmas: one each. Raises as one() does.
        """
        work = self._all(pictures, sigmas, strength)
        return await self.exchange.outcome(asyncio.create_task(work))

    async def _one(self, picture: Picture, sigma: float | None, strength: float) -> Denoised:
        def done(pixels: int) -> None:
            self.ticket.done(pixels)
            self.exchange.progress()

        return await denoise(self.model, picture, sigma=sigma, strength=strength, done=done)

    async def _all(
        self, pictures: Picture, sigmas: Sequence[float | None], strength: float
    ) -> Denoised:
        if len(pictures) == 1:
            result = await self._one(pictures[0], sigmas[0], strength)
            return Denoised(result.output[None], result.queue, result.inference)
        outputs = np.empty_like(pictures)
        ran: list[float] = []

        async def run(waiting: Iterator[tuple[Picture, float | None, Picture]]) -> None:
            for picture, sigma, output in waiting:
                result = await self._one(picture, sigma, strength)
                await asyncio.to_thread(np.copyto, output, result.output)
                ran.append(result.inference)

        waiting = zip(pictures, sigmas, outputs, strict=True)
        began = time.perf_counter()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE if math.prod(pictures.shape[1:3]) <= SMALL else 1):
                    group.create_task(run(waiting))
        except ExceptionGroup as errors:  # those of the others are of the same kind
            raise errors.exceptions[0] from None
        took = time.perf_counter() - began
        inference = min(took, sum(ran))
        return Denoised(outputs, took - inference, inference)
