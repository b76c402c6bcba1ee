"""Runs photographs of any size a tile at a time, between those of other requests."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from service.api.codecs.codec import Checked, Codec, Inputs, Runner
from service.api.media_types import ZIP
from service.api.request import Exchange, Header
from service.api.routing import Limits
from service.errors import BodyTooLarge, InvalidValue, ShapeMismatch
from service.inference.caller import CALLER
from service.inference.executor import Executor
from service.inference.model import Model
from service.inference.ticket import Ticket
from service.inference.tiling.controls import Controls
from service.inference.tiling.denoise import Denoised, Denoiser
from service.manifest import PHOTOGRAPHS

LEAST = 64 * 64
"""Pixels that each photograph of several counts as at least: what running it costs besides."""
MOST_LEVELS = 64
"""Noise levels in a header; those of more photographs are left out."""
AS_FILES = f"photographs of any sizes come back as files with Accept: {ZIP}"
"""What to do where several photographs cannot come back as one array."""


class PhotoRunner(Runner, Protocol):
    """Runs photographs of any size."""

    def seconds(self, pixels: int, controls: Controls, /) -> float:
        """Return how long a photograph of so many pixels will keep the session busy."""
        ...


class Tiles:
    """Runs photographs a tile at a time, between those of other requests."""

    def __init__(self, limits: Limits, batcher: Executor, denoiser: Denoiser) -> None:
        self._limits = limits
        self._batcher = batcher
        self._denoiser = denoiser

    def seconds(self, pixels: int, controls: Controls) -> float:
        if controls.region:
            pixels = min(pixels, self._denoiser.tiling.most_around(controls.region))
        return controls.effort * self._batcher.seconds(3 * pixels)

    def check(self, codec: Codec, inputs: Inputs) -> Checked:
        """Return photographs that can run; their values are checked a tile at a time."""
        shape, controls = inputs.array.shape, inputs.controls
        pixels, seconds = 0, 0.0
        if not codec.declared:  # the pixels of files are admitted by now
            count, height, width = size(shape, self._limits)
            tiling = self._denoiser.tiling
            each = tiling.padded(height) * tiling.padded(width)
            pixels, seconds = count * each, count * self.seconds(each, controls)
        if region := controls.region:
            region.check(*shape[1:3])
            shape = (shape[0], region.height, region.width, *shape[3:])
        codec.negotiate(len(inputs.array))
        are_files = bool(codec.declared) and shape[0] > 1
        output = self._output(shape, are_files=are_files) if codec.has_floats() else 0
        return Checked(inputs, 1, output, seconds, pixels)

    def _output(self, shape: tuple[int, ...], *, are_files: bool) -> int:
        try:
            return self._limits.check_output(shape)
        except BodyTooLarge as error:
            if not are_files:
                raise
            raise BodyTooLarge(f"{error}; {AS_FILES}") from error

    def submit(
        self, exchange: Exchange, _codec: Codec, inputs: Inputs, ticket: Ticket
    ) -> asyncio.Task[Denoised]:
        """Queue the first tiles; the time limit starts anew with each tile that is done."""
        exchange.progress()
        return asyncio.create_task(self._run(exchange, inputs, ticket))

    async def _run(self, exchange: Exchange, inputs: Inputs, ticket: Ticket) -> Denoised:
        CALLER.set(exchange.caller)

        def done(pixels: int) -> None:
            ticket.done(pixels)
            exchange.progress()

        return await self._denoiser.denoise_batch(
            inputs.array, sigmas=inputs.sigmas, controls=inputs.controls, done=done
        )

    def headers(self, result: Denoised) -> Sequence[Header]:
        """Return X-Noise-Sigma, where noise levels are known."""
        if not 0 < len(result.noise) <= MOST_LEVELS:
            return ()
        levels = ", ".join(f"{noise.sigma:.2f}" for noise in result.noise)
        return ((b"x-noise-sigma", levels.encode()),)


def tiles(model: Model, limits: Limits) -> Tiles:
    """Return what denoises photographs by a model of these."""
    assert model.denoiser is not None
    return Tiles(limits, model.batchers["denoise"], model.denoiser)


def size(shape: tuple[int, ...], limits: Limits) -> tuple[int, int, int]:
    """Return number, height and width of photographs in an array of a shape.

    Raises:
        ShapeMismatch: It is none of photographs.
        InvalidValue: They have no pixels.
        BodyTooLarge: They have more than the limit.
    """
    if len(shape) != len(PHOTOGRAPHS) or shape[-1] != PHOTOGRAPHS[-1]:
        raise ShapeMismatch(
            f"images: expected ({', '.join(map(str, PHOTOGRAPHS))}), received {shape}"
        )
    if 0 in shape:
        raise InvalidValue(f"images: expected a pixel at least, received {shape}")
    count, height, width, _ = shape
    pixels = count * (max(LEAST, height * width) if count > 1 else height * width)
    if pixels > limits.pixels:
        least = f" (each picture as {LEAST} at least)" if count > 1 else ""
        raise BodyTooLarge(
            f"images: expected at most {limits.pixels} pixels{least} (SERVICE_MAX_PIXELS), "
            f"received {pixels}"
        )
    return count, height, width
