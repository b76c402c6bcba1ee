"""Several photographs of one size, denoised at once as far as their tiles share batches."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from service.inference.model import Model
from service.inference.pixels import Floats
from service.inference.tiling.canvas import Picture
from service.inference.tiling.denoise import Denoised, denoise

SMALL = 256 * 256
"""Pixels of photographs of which several are in the queue at once, so that they share batches."""
AT_ONCE = 8


async def denoise_batch(
    model: Model,
    pictures: Picture,
    *,
    sigmas: Sequence[float] | Floats | None = None,
    strength: float = 1.0,
    done: Callable[[int], None] = lambda _: None,
) -> Denoised:
    """Return photographs without their noise, as denoise() does.

    Args:
        model: One that takes photographs of any size.
        pictures: (batch, height, width, 3) or (batch, height, width), as denoise() takes each.
        sigmas: The noise level of each, on the scale of 0 to 255; None where none is known.
        strength: Share of the noise to remove, 0 to 1.
        done: Called with the number of pixels of each tile that is done.

    Returns:
        An array like the pictures, and the seconds that all of them together waited and ran.

    Raises:
        ServiceError: As denoise() does, for the first of them that fails.
    """
    levels = [None] * len(pictures) if sigmas is None else [float(each) for each in sigmas]
    if len(pictures) == 1:
        (sigma,) = levels
        result = await denoise(model, pictures[0], sigma=sigma, strength=strength, done=done)
        return Denoised(result.output[None], result.queue, result.inference)
    outputs = np.empty_like(pictures)
    ran: list[float] = []

    async def run(waiting: Iterator[tuple[Picture, float | None, Picture]]) -> None:
        for picture, sigma, output in waiting:
            result = await denoise(model, picture, sigma=sigma, strength=strength, done=done)
            await asyncio.to_thread(np.copyto, output, result.output)
            ran.append(result.inference)

    waiting = zip(pictures, levels, outputs, strict=True)
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
