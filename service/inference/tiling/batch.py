"""Several photographs of one size, denoised at once as far as their tiles share batches."""

import asyncio
import math
import time
from collections.abc import Iterator, Sequence

import numpy as np

from service.inference.pixels import Floats
from service.inference.tiling.canvas import Picture
from service.inference.tiling.denoise import Denoised, Denoiser, Done

SMALL = 256 * 256
"""Pixels of photographs of which several are in the queue at once, so that they share batches."""

MAX_QUEUED = 8
"""Small photographs of one request in the queue."""


async def denoise_batch(
    denoiser: Denoiser,
    pictures: Picture,
    *,
    sigmas: Sequence[float] | Floats | None = None,
    strength: float = 1.0,
    done: Done = lambda _: None,
) -> Denoised:
    """Denoise several photographs of one size.

    Args:
        denoiser: Denoises each.
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
        result = await denoiser.denoise(pictures[0], sigma=sigma, strength=strength, done=done)
        return Denoised(result.output[None], result.queue, result.inference)
    outputs = np.empty_like(pictures)
    inference: list[float] = []

    async def work(remaining: Iterator[tuple[Picture, float | None, Picture]]) -> None:
        for picture, sigma, output in remaining:
            result = await denoiser.denoise(picture, sigma=sigma, strength=strength, done=done)
            await asyncio.to_thread(np.copyto, output, result.output)
            inference.append(result.inference)

    remaining = zip(pictures, levels, outputs, strict=True)
    started = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(MAX_QUEUED if math.prod(pictures.shape[1:3]) <= SMALL else 1):
                group.create_task(work(remaining))
    except ExceptionGroup as errors:  # the others are of the same kind
        raise errors.exceptions[0] from None
    elapsed = time.perf_counter() - started
    ran = min(elapsed, sum(inference))
    return Denoised(outputs, elapsed - ran, ran)
