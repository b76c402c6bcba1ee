"""Photographs of any size, one or several, denoised tile by tile through the session's queue.

Requests of other clients run between the tiles, and no tile runs for a client that has gone.
"""

import asyncio
import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from service.inference.executor import Executor
from service.inference.pixels import Floats
from service.inference.queue import Result, Stages
from service.inference.tiling.canvas import Canvas, Picture
from service.inference.tiling.controls import DEFAULTS, Controls
from service.inference.tiling.ensemble import Mean, turned
from service.inference.tiling.estimate import Estimator, Noise
from service.inference.tiling.layout import CORE, MAX_QUEUED, Tile, Tiling
from service.manifest import Pixels

SMALL = 256 * 256
"""Pixels of photographs of which several are in the queue at once, so that they share batches."""

MAX_SMALL_QUEUED = 8
"""Small photographs of one request in the queue."""

Done = Callable[[int], None]
"""Called with the pixels of each tile that is finished."""


@dataclass(frozen=True, slots=True)
class Denoised:
    """A denoised picture, and how long it took.

    Attributes:
        output: Pixels of the noisy picture's type and shape.
        noise: The noise that was removed from each picture, as it was given or estimated; empty
            where it is unknown.
        queue: Seconds that it waited for the session while no tile of it ran.
        inference: Seconds that one or more of its tiles ran.
    """

    output: Picture
    noise: tuple[Noise, ...]
    queue: float
    inference: float


class Denoiser:
    """What a model of photographs has, and a model of thumbnails has not.

    Attributes:
        tiling: How photographs are cut.
    """

    def __init__(
        self, batcher: Executor, tiling: Tiling, pixels: Pixels, estimator: Estimator | None
    ) -> None:
        """Create a denoiser.

        Args:
            batcher: Runs the tiles.
            tiling: How photographs are cut.
            pixels: How 8-bit pixels become the model's numbers.
            estimator: Estimates noise that is not known; None where each tile is to judge its own.
        """
        self.tiling = tiling
        self._batcher = batcher
        self._estimator = estimator
        self._pixels = pixels

    def check_sigma(self, sigma: float | None) -> None:
        """Raise InvalidValue unless the model takes this noise level, or it is None for unknown."""
        if sigma is not None:
            self._batcher.session.sigmas(sigma, 1)

    async def denoise(
        self,
        picture: Picture,
        *,
        sigma: float | None = None,
        controls: Controls = DEFAULTS,
        core: int = CORE,
        done: Done = lambda _: None,
    ) -> Denoised:
        """Denoise a picture. Tiles that have not run are dropped on cancellation and on failure.

        Args:
            picture: Pixels (height, width, 3) or (height, width): uint8 or uint16 over their whole
                range, or float32 in the model's range.
            sigma: Standard deviation of the noise on the scale of 0 to 255; None to estimate it,
                from all over the picture, so that all tiles agree.
            controls: How much of the noise to remove (where it is nothing, a copy is returned), of
                which part, with how much effort.
            core: Pixels along a side that a tile keeps, at most.
            done: Called with the pixels of each tile that is finished. With more effort it is
                called with parts of them, for a region with more than its own: in all, they are
                those of the picture.

        Raises:
            ShapeMismatch: The array is not a picture.
            InvalidValue: The picture is empty, or has no such region; its type or sigma is not one
                of these; or inputs or outputs are not finite.
        """
        self.check_sigma(sigma)
        canvas = await asyncio.to_thread(Canvas, picture, self._pixels, self.tiling, controls)
        height, width = canvas.size
        advance = _shares(math.prod(picture.shape[:2]), controls.effort * height * width, done)
        if not controls.strength or not (controls.luma or controls.chroma):
            advance(controls.effort * height * width)
            return Denoised(await asyncio.to_thread(picture[canvas.place].copy), (), 0.0, 0.0)
        stages = Stages()
        noise = await self._noise(picture, sigma, stages)
        level, profile = (noise.sigma, noise.profile) if noise else (None, None)
        queued: deque[_Run] = deque()
        mean = Mean(controls.effort) if controls.effort > 1 else None

        def take(tile: Tile) -> Floats:
            inputs = canvas.take(tile)
            self._batcher.session.check(inputs, known_finite=not canvas.has_floats)
            return inputs

        def put(run: _Run, outputs: Floats | None) -> None:
            if mean and outputs is not None:
                outputs = mean.add(outputs, run.way)
            if outputs is not None:
                canvas.put(run.tile, run.inputs, outputs)

        async def finish() -> None:
            run = queued[0]
            result = await run.future
            queued.popleft()
            stages.add(run.submitted, result)
            await asyncio.to_thread(put, run, result.output)
            advance(run.tile.pixels)

        try:
            for tile in self.tiling.cut(height, width, core=core):
                for way in range(controls.effort):
                    if len(queued) == MAX_QUEUED:
                        await finish()
                    if way == 0:
                        seen = inputs = await asyncio.to_thread(take, tile)
                    else:
                        seen = await asyncio.to_thread(turned, inputs, way)
                    submitted = time.perf_counter()
                    future = self._batcher.submit(seen, sigma=level, profile=profile)
                    queued.append(_Run(tile, inputs, way, submitted, future))
            while queued:
                await finish()
        finally:
            for run in queued:
                run.future.cancel()  # which also keeps an unread failure out of asyncio's log
        known = (noise,) if noise else ()
        return Denoised(canvas.result, known, stages.queue, stages.inference)

    async def _noise(self, picture: Picture, sigma: float | None, stages: Stages) -> Noise | None:
        """What is given or estimated of the noise: where a level is given, the profile alone."""
        needs_profile = self._batcher.session.operation.profile is not None
        if self._estimator is None or not (sigma is None or needs_profile):
            return None if sigma is None else Noise(sigma)
        submitted = time.perf_counter()
        noise, result = await self._estimator.estimate(picture)
        stages.add(submitted, result)
        return noise if sigma is None else replace(noise, sigma=sigma)

    async def denoise_batch(
        self,
        pictures: Picture,
        *,
        sigmas: Sequence[float] | Floats | None = None,
        controls: Controls = DEFAULTS,
        done: Done = lambda _: None,
    ) -> Denoised:
        """Denoise several photographs of one size, the small ones in shared batches.

        Args:
            pictures: (batch, height, width, 3) or (batch, height, width), as denoise() takes each.
            sigmas: The noise level of each, on the scale of 0 to 255; None if unknown.
            controls: How much of the noise to remove.
            done: Called with the pixels of each tile that is finished.

        Returns:
            An array like the pictures, and the seconds that all of them together waited and ran.

        Raises:
            ServiceError: As denoise(), for the first of them that fails.
        """
        levels = [None] * len(pictures) if sigmas is None else [float(each) for each in sigmas]
        if len(pictures) == 1:
            (sigma,) = levels
            result = await self.denoise(pictures[0], sigma=sigma, controls=controls, done=done)
            return replace(result, output=result.output[None])
        count, height, width, *channels = pictures.shape
        if region := controls.region:
            region.check(height, width)
            height, width = region.height, region.width
        outputs = np.empty((count, height, width, *channels), pictures.dtype)
        inference: list[float] = []
        noise: list[tuple[Noise, ...]] = [()] * len(pictures)

        async def work(remaining: Iterator[tuple[int, Picture, float | None, Picture]]) -> None:
            for index, picture, sigma, output in remaining:
                result = await self.denoise(picture, sigma=sigma, controls=controls, done=done)
                await asyncio.to_thread(np.copyto, output, result.output)
                inference.append(result.inference)
                noise[index] = result.noise

        remaining = zip(itertools.count(), pictures, levels, outputs)
        started = time.perf_counter()
        try:
            async with asyncio.TaskGroup() as group:
                is_small = math.prod(pictures.shape[1:3]) <= SMALL
                for _ in range(MAX_SMALL_QUEUED if is_small else 1):
                    group.create_task(work(remaining))
        except ExceptionGroup as errors:  # the others are of the same kind
            raise errors.exceptions[0] from None
        elapsed = time.perf_counter() - started
        ran = min(elapsed, sum(inference))
        known = tuple(itertools.chain.from_iterable(noise))
        return Denoised(outputs, known, elapsed - ran, ran)

    def denoise_now(
        self,
        picture: Picture,
        *,
        sigma: float | None = None,
        controls: Controls = DEFAULTS,
        core: int = CORE,
        done: Done = lambda _: None,
    ) -> Denoised:
        """Denoise a picture as denoise() does, where no event loop runs yet."""

        async def run() -> Denoised:
            try:
                return await self.denoise(
                    picture, sigma=sigma, controls=controls, core=core, done=done
                )
            finally:
                await self.idle()

        return asyncio.run(run())

    async def idle(self) -> None:
        """Wait until nothing runs: what does, as after a failure, needs its event loop."""
        batchers = [self._batcher, *([self._estimator.batcher] if self._estimator else [])]
        while any(each.busy_for() for each in batchers):  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.01)


class _Run(NamedTuple):
    """A tile in the queue, in an orientation.

    Attributes:
        tile: Where it lies.
        inputs: As it is, (1, height, width, 3).
        way: The orientation in which it runs, as ensemble.turned() counts them.
        submitted: The time.perf_counter() at which it was.
        future: Receives the outputs, in that orientation.
    """

    tile: Tile
    inputs: Floats
    way: int
    submitted: float
    future: asyncio.Future[Result]


def _shares(pixels: int, work: int, done: Done) -> Done:
    """Return what converts pixels that have run into shares of a photograph's pixels.

    Args:
        pixels: Of the photograph: the sum of the shares.
        work: Pixels that run in all.
        done: Called with each share.
    """
    ran = 0

    def advance(more: int) -> None:
        nonlocal ran
        before, ran = ran, ran + more
        done(pixels * ran // work - pixels * before // work)

    return advance
