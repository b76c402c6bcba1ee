"""Photographs of any size, one or several, denoised tile by tile through the session's queue.

Requests of other clients run between the tiles, and no tile runs for a client that has gone.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from service.inference.batcher import Batcher
from service.inference.pixels import Floats
from service.inference.queue import Result
from service.inference.tiling.canvas import Canvas, Picture
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
        queue: Seconds that it waited for the session while no tile of it ran.
        inference: Seconds that one or more of its tiles ran.
    """

    output: Picture
    queue: float
    inference: float


class Denoiser:
    """What a model of photographs has, and a model of thumbnails has not.

    Attributes:
        tiling: How photographs are cut.
    """

    def __init__(self, batcher: Batcher, tiling: Tiling, pixels: Pixels) -> None:
        """Create a denoiser.

        Args:
            batcher: Runs the tiles.
            tiling: How photographs are cut.
            pixels: How 8-bit pixels become the model's numbers.
        """
        self.tiling = tiling
        self._batcher = batcher
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
        strength: float = 1.0,
        core: int = CORE,
        done: Done = lambda _: None,
    ) -> Denoised:
        """Denoise a picture. Tiles that have not run are dropped on cancellation and on failure.

        Args:
            picture: Pixels (height, width, 3) or (height, width): uint8 or uint16 over their whole
                range, or float32 in the model's range.
            sigma: Standard deviation of the noise on the scale of 0 to 255, None if unknown.
            strength: Share of the noise to remove, 0 to 1; 0 returns a copy.
            core: Pixels along a side that a tile keeps, at most.
            done: Called with the pixels of each tile that is finished.

        Raises:
            ShapeMismatch: The array is not a picture.
            InvalidValue: The picture is empty; its type, sigma or strength is not one of these; or
                inputs or outputs are not finite.
        """
        self.check_sigma(sigma)
        canvas = await asyncio.to_thread(Canvas, picture, self._pixels, strength)
        height, width = canvas.size
        if not strength:
            done(height * width)
            return Denoised(await asyncio.to_thread(picture.copy), 0.0, 0.0)
        stages = _Stages()
        queued: deque[tuple[Tile, Floats, float, asyncio.Future[Result]]] = deque()

        def take(tile: Tile) -> Floats:
            inputs = canvas.take(tile)
            self._batcher.session.check(inputs, known_finite=not canvas.has_floats)
            return inputs

        async def finish() -> None:
            tile, inputs, submitted, future = queued[0]
            result = await future
            queued.popleft()
            stages.add(submitted, result)
            await asyncio.to_thread(canvas.put, tile, inputs, result.output)
            done(tile.pixels)

        try:
            for tile in self.tiling.cut(height, width, core=core):
                if len(queued) == MAX_QUEUED:
                    await finish()
                inputs = await asyncio.to_thread(take, tile)
                submitted = time.perf_counter()
                future = self._batcher.submit(inputs, sigma=sigma)
                queued.append((tile, inputs, submitted, future))
            while queued:
                await finish()
        finally:
            for *_, future in queued:
                future.cancel()  # which also keeps an unread failure out of asyncio's log
        return Denoised(canvas.result, stages.queue, stages.inference)

    async def denoise_batch(
        self,
        pictures: Picture,
        *,
        sigmas: Sequence[float] | Floats | None = None,
        strength: float = 1.0,
        done: Done = lambda _: None,
    ) -> Denoised:
        """Denoise several photographs of one size, the small ones in shared batches.

        Args:
            pictures: (batch, height, width, 3) or (batch, height, width), as denoise() takes each.
            sigmas: The noise level of each, on the scale of 0 to 255; None if unknown.
            strength: Share of the noise to remove, 0 to 1.
            done: Called with the pixels of each tile that is finished.

        Returns:
            An array like the pictures, and the seconds that all of them together waited and ran.

        Raises:
            ServiceError: As denoise(), for the first of them that fails.
        """
        levels = [None] * len(pictures) if sigmas is None else [float(each) for each in sigmas]
        if len(pictures) == 1:
            (sigma,) = levels
            result = await self.denoise(pictures[0], sigma=sigma, strength=strength, done=done)
            return Denoised(result.output[None], result.queue, result.inference)
        outputs = np.empty_like(pictures)
        inference: list[float] = []

        async def work(remaining: Iterator[tuple[Picture, float | None, Picture]]) -> None:
            for picture, sigma, output in remaining:
                result = await self.denoise(picture, sigma=sigma, strength=strength, done=done)
                await asyncio.to_thread(np.copyto, output, result.output)
                inference.append(result.inference)

        remaining = zip(pictures, levels, outputs, strict=True)
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
        return Denoised(outputs, elapsed - ran, ran)

    def denoise_now(
        self,
        picture: Picture,
        *,
        sigma: float | None = None,
        strength: float = 1.0,
        core: int = CORE,
        done: Done = lambda _: None,
    ) -> Denoised:
        """Denoise a picture as denoise() does, where no event loop runs yet."""

        async def run() -> Denoised:
            try:
                return await self.denoise(
                    picture, sigma=sigma, strength=strength, core=core, done=done
                )
            finally:
                await self.idle()

        return asyncio.run(run())

    async def idle(self) -> None:
        """Wait until no tile runs: one that does, as after a failure, needs its event loop."""
        while self._batcher.busy_for():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


class _Stages:
    """How long tiles waited and ran; where several ran at once, the time counts once."""

    def __init__(self) -> None:
        self.queue = self.inference = 0.0
        self._ended = 0.0

    def add(self, submitted: float, result: Result) -> None:
        started = submitted + result.queue
        ended = started + result.inference
        self.queue += max(0.0, started - max(submitted, self._ended))
        self.inference += max(0.0, ended - max(started, self._ended))
        self._ended = max(ended, self._ended)
