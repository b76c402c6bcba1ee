"""Photographs of a request, denoised in tiles: counted, timed, and dropped when the client goes."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.api.exchange import Exchange
from service.errors import BodyTooLarge, ShapeMismatch
from service.inference.admission import Ticket
from service.inference.canvas import Picture
from service.inference.model import Model
from service.inference.tiling import Denoised, denoise


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

    async def one(
        self, picture: Picture, sigma: float | None = None, strength: float = 1.0
    ) -> Denoised:
        """Return what becomes of a picture whose pixels are counted on the ticket.

        Raises as denoise() does, DeadlineExceeded where a tile takes too long, ClientDisconnect.
        """

        def done(pixels: int) -> None:
            self.ticket.done(pixels)
            self.exchange.progress()

        work = denoise(self.model, picture, sigma=sigma, strength=strength, done=done)
        return await self.exchange.outcome(asyncio.create_task(work))

    async def all(
        self,
        pictures: Picture,
        sigmas: Sequence[float | None],
        strength: float = 1.0,
        *,
        max_pixels: int,
    ) -> Denoised:
        """Return what becomes of pictures (batch, height, width, 3), one after the other.

        sigmas: one each. Raises ShapeMismatch and BodyTooLarge before any of them begins,
        Overloaded, and as one() does.
        """
        self._check(pictures, max_pixels)
        self.exchange.items = len(pictures)
        # What they take in memory is bounded by the pixels: bytes are those of others' bodies.
        self.ticket.grow(items=len(pictures) - 1, pixels=math.prod(pictures.shape[:-1]))
        outputs = np.empty_like(pictures)
        queue = inference = 0.0
        for picture, sigma, output in zip(pictures, sigmas, outputs, strict=True):
            result = await self.one(picture, sigma, strength)
            output[:] = result.output
            queue += result.queue
            inference += result.inference
        return Denoised(outputs, queue, inference)

    def _check(self, pictures: Picture, max_pixels: int) -> None:
        taken, received = self.model.input("denoise"), pictures.shape
        expected = taken.shape
        if len(received) != len(expected) or received[-1] != expected[-1] or 0 in received:
            raise ShapeMismatch(
                f"{taken.name}: expected ({', '.join(map(str, expected))}), received {received}"
            )
        pixels = math.prod(received[:-1])
        if pixels > max_pixels:
            raise BodyTooLarge(
                f"{taken.name}: expected at most {max_pixels} pixels, received {pixels}"
            )
