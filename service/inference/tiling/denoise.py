"""Photographs of any size, denoised in tiles that go through the model's queue one by one.

Requests of others come in between, and nobody works for one whose client has gone.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from service.errors import ShapeMismatch
from service.inference.batcher import Result
from service.inference.model import Model
from service.inference.pixels import Floats
from service.inference.tiling.canvas import Canvas, Picture
from service.inference.tiling.layout import AT_ONCE, CORE, Tile, cut


@dataclass(frozen=True, slots=True)
class Denoised:
    """What became of a picture, in an array of its type and shape.

    queue: seconds that it waited for the session while nothing of it ran; inference: seconds that
    something of it ran.
    """

    output: Picture
    queue: float
    inference: float


async def denoise(
    model: Model,
    picture: Picture,
    *,
    sigma: float | None = None,
    strength: float = 1.0,
    core: int = CORE,
    done: Callable[[int], None] = lambda _: None,
) -> Denoised:
    """Return a picture without its noise; with a strength of 0, as it was.

    sigma: standard deviation of the noise on the scale of 0 to 255, None if unknown; strength: how
    much of it to remove, 0 to 1; core: pixels along a side that a tile stands for; done: told of
    the pixels of each tile when it is ready. Once this is cancelled, or a tile has failed, what has
    not run yet is dropped.

    Raises OperationNotOffered; ShapeMismatch for what is no picture, and where the model takes no
    photographs; InvalidValue for an empty picture, for a type, sigma or strength beyond these, for
    floats that are not finite, and for outputs that are not.
    """
    session = model.session("denoise")
    tiles = session.operation.tiles
    if tiles is None:
        raise ShapeMismatch(
            f"model: expected one that takes photographs of any size, received {model.name}"
        )
    if sigma is not None:
        session.sigmas(sigma, 1)
    canvas = await asyncio.to_thread(Canvas, picture, model.manifest.pixels, strength)
    height, width = canvas.size
    if not strength:
        done(height * width)
        return Denoised(await asyncio.to_thread(picture.copy), 0.0, 0.0)
    clock = _Clock()
    waiting: deque[tuple[Tile, Floats, float, asyncio.Future[Result]]] = deque()

    def take(tile: Tile) -> Floats:
        inputs = canvas.take(tile)
        model.check("denoise", inputs, known_finite=not canvas.has_floats)
        return inputs

    async def finish() -> None:
        tile, inputs, since, future = waiting[0]
        result = await future
        waiting.popleft()
        clock.add(since, result)
        await asyncio.to_thread(canvas.put, tile, inputs, result.output)
        done(tile.pixels)

    try:
        for tile in cut(height, width, tiles, multiple=session.multiple, core=core):
            if len(waiting) == AT_ONCE:
                await finish()
            inputs = await asyncio.to_thread(take, tile)
            since = time.perf_counter()
            waiting.append((tile, inputs, since, model.submit("denoise", inputs, sigma=sigma)))
        while waiting:
            await finish()
    finally:
        for *_, future in waiting:
            future.cancel()  # which also keeps a failure that nobody asks for out of the log
    return Denoised(canvas.result, clock.queue, clock.inference)


def denoise_now(
    model: Model,
    picture: Picture,
    *,
    sigma: float | None = None,
    strength: float = 1.0,
    core: int = CORE,
    done: Callable[[int], None] = lambda _: None,
) -> Denoised:
    """Return what denoise() does, where there is no event loop yet."""

    async def denoised() -> Denoised:
        try:
            return await denoise(
                model, picture, sigma=sigma, strength=strength, core=core, done=done
            )
        finally:
            await idle(model)

    return asyncio.run(denoised())


async def idle(model: Model) -> None:
    """Wait until nothing of a model runs: what does, as after a failure, needs its event loop."""
    while any(batcher.busy_for() for batcher in model.batchers.values()):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


class _Clock:
    """How long tiles waited and ran; where several ran at once, it counts once."""

    def __init__(self) -> None:
        self.queue = self.inference = 0.0
        self._last = 0.0

    def add(self, since: float, result: Result) -> None:
        """since: the time.perf_counter() at which the tile came into the queue."""
        began = since + result.queue
        ended = began + result.inference
        self.queue += max(0.0, began - max(since, self._last))
        self.inference += max(0.0, ended - max(began, self._last))
        self._last = max(ended, self._last)
