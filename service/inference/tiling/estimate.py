"""The noise of a photograph, estimated from crops of it."""

import asyncio
from dataclasses import dataclass

import numpy as np

from service.inference.executor import Executor
from service.inference.pixels import LARGEST, Floats, to_floats
from service.inference.queue import Result
from service.inference.tiling.canvas import Picture
from service.manifest import Mosaic, Pixels

GRID = 16
"""Pixels; crops start at multiples of it, so that the blocks of JPEG lie alike in all of them."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What is known of the noise of a photograph.

    Attributes:
        sigma: Its standard deviation on the scale of 0 to 255.
        profile: float32 (5,), what `service.manifest.PROFILE` numbers; None if unknown.
    """

    sigma: float
    profile: Floats | None = None


class Estimator:
    """Estimates the noise of photographs of any size.

    Attributes:
        batcher: Runs the graph.
        pixels: Of a photograph that it looks at, at most.
    """

    def __init__(self, batcher: Executor, pixels: Pixels) -> None:
        """Create an estimator.

        Args:
            batcher: Runs the graph, whose operation describes a mosaic.
            pixels: How 8-bit pixels become the model's numbers.
        """
        described = batcher.session.operation.mosaic
        assert described is not None
        self.batcher = batcher
        self.pixels = (described.crop * described.across) ** 2
        self._how = pixels
        self._described = described

    async def estimate(self, picture: Picture) -> tuple[Noise, Result]:
        """Return the noise of a photograph, and how long the estimate took.

        Args:
            picture: Pixels (height, width, 3) or (height, width): uint8 or uint16 over their whole
                range, or float32 in the model's range.

        Raises:
            InvalidValue: Pixels are not finite.
        """
        inputs = await asyncio.to_thread(mosaic, picture, self._how, self._described)
        self.batcher.session.check(inputs)
        result = await self.batcher.submit(inputs)
        sigma, profile = result.output[0, 0], result.output[0, 1:]
        return Noise(float(sigma), profile), result


def mosaic(picture: Picture, pixels: Pixels, described: Mosaic) -> Floats:
    """Return the mosaic of a photograph as the inputs of an estimator.

    A side shorter than a crop is taken whole, but for the rest of its division by the stride; one
    shorter than the stride is mirrored.

    Args:
        picture: Pixels (height, width, 3) or (height, width): uint8 or uint16 over their whole
            range, or float32 in the model's range.
        pixels: How 8-bit pixels become the model's numbers.
        described: The size and the number of the crops.

    Returns:
        float32 (1, height, width, 3), at most crop * across pixels a side.
    """
    values = picture.reshape(*picture.shape[:2], -1)
    rows, columns = (_spans(side, described) for side in values.shape[:2])
    values = np.block([[[values[row, column]] for column in columns] for row in rows])
    missing = [max(0, described.stride - side) for side in values.shape[:2]]
    if any(missing):
        values = np.pad(values, ((0, missing[0]), (0, missing[1]), (0, 0)), "symmetric")
    if picture.dtype in LARGEST:
        values = to_floats(values, pixels)
    return np.ascontiguousarray(np.broadcast_to(values, (1, *values.shape[:2], 3)))


def _spans(side: int, described: Mosaic) -> list[slice]:
    """The crops along a side of the photograph, evenly spread over it."""
    crop, stride = described.crop, described.stride
    if side < crop:
        return [slice(0, max(side // stride * stride, min(side, stride)))]
    count = min(described.across, -(-side // crop))
    starts = [(side - crop) * index // max(count - 1, 1) for index in range(count)]
    return [slice(start // GRID * GRID, start // GRID * GRID + crop) for start in starts]
