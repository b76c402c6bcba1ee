"""POST /estimate: the noise of photographs, without removing it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import orjson

from service.api.body import Body
from service.api.codecs import photographs
from service.api.codecs.codec import Array, Checked, Codec, Encoded, Inputs
from service.api.media_types import JSON, choose
from service.api.request import Exchange, Header
from service.api.routing import Limits
from service.api.tiles import size
from service.images.decode import decode
from service.inference.caller import CALLER
from service.inference.executor import Executor
from service.inference.model import Model
from service.inference.pixels import Floats
from service.inference.queue import Stages
from service.inference.ticket import Ticket
from service.inference.tiling.controls import DEFAULTS, Controls
from service.inference.tiling.estimate import Estimator
from service.manifest import PROFILE

TONES = ("shadows", "midtones", "highlights")


@dataclass(frozen=True, slots=True)
class Estimated:
    """Estimates, float32 (batch, 6), and the seconds that they waited and ran."""

    output: Floats
    queue: float
    inference: float


class Estimates:
    """Estimates the noise of photographs, one after the other."""

    def __init__(self, limits: Limits, batcher: Executor, estimator: Estimator) -> None:
        self._limits = limits
        self._batcher = batcher
        self._estimator = estimator

    def seconds(self, pixels: int, _controls: Controls = DEFAULTS) -> float:
        return self._batcher.seconds(3 * min(pixels, self._estimator.pixels))

    def check(self, codec: Codec, inputs: Inputs) -> Checked:
        """Return photographs that can be looked at."""
        pixels, seconds = 0, 0.0
        if not codec.declared:  # the pixels of files are admitted by now
            count, height, width = size(inputs.array.shape, self._limits)
            pixels, seconds = count * height * width, count * self.seconds(height * width)
        codec.negotiate(len(inputs.array))
        return Checked(inputs, 1, 0, seconds, pixels)

    def submit(
        self, exchange: Exchange, _codec: Codec, inputs: Inputs, ticket: Ticket
    ) -> asyncio.Task[Estimated]:
        """Queue the first photograph; the time limit starts anew with each that is done."""
        exchange.progress()
        return asyncio.create_task(self._run(exchange, inputs.array, ticket))

    async def _run(self, exchange: Exchange, pictures: Array, ticket: Ticket) -> Estimated:
        CALLER.set(exchange.caller)
        rows = np.empty((len(pictures), 1 + PROFILE), np.float32)
        stages = Stages()
        for row, picture in zip(rows, pictures, strict=True):
            submitted = time.perf_counter()
            noise, result = await self._estimator.estimate(picture)
            stages.add(submitted, result)
            row[0], row[1:] = noise.sigma, noise.profile
            ticket.done(picture.shape[0] * picture.shape[1])
            exchange.progress()
        return Estimated(rows, stages.queue, stages.inference)

    def headers(self, _result: Estimated) -> Sequence[Header]:
        return ()


def codecs(limits: Limits) -> photographs.Photographs:
    """Return what makes the codecs of requests to estimate the noise of photographs."""
    return photographs.Photographs("estimate", estimates, ArrayCodec, FileCodec, limits)


def estimates(model: Model, limits: Limits) -> Estimates:
    """Return what estimates noise by a model that can."""
    assert model.estimator is not None
    return Estimates(limits, model.batchers["estimate"], model.estimator)


class _Answer:
    """What the codecs of /estimate have in common: a response in JSON, whatever came."""

    model: Model
    accept: str

    def negotiate(self, _count: int) -> None:
        choose(self.accept, (JSON,))

    def has_floats(self) -> bool:
        return False

    def encodes_now(self, _outputs: Array) -> bool:
        return True

    def encode(self, outputs: Array) -> Encoded:
        document = {
            "model": self.model.name,
            "version": self.model.version,
            "noise": [_described(row) for row in outputs.tolist()],
        }
        return Encoded(JSON, (orjson.dumps(document),))


class ArrayCodec(_Answer, photographs.ArrayCodec):
    """The codec of photographs in arrays."""


class FileCodec(_Answer, photographs.FileCodec):
    """The codec of photographs in files."""

    def decode(self, _body: Body) -> Inputs:
        choose(self.accept, (JSON,))  # before anything is decoded
        images, self._images = self._images, ()
        decoded = [decode(image) for image in images]
        self._warnings = photographs.warnings(decoded)
        return self.inputs_of_files(photographs.stacked(decoded))

    def encode(self, outputs: Array) -> Encoded:
        return replace(super().encode(outputs), headers=self._warnings)


def _described(row: list[float]) -> dict[str, float]:
    """Return an estimate in words, of what `service.manifest.PROFILE` numbers."""
    sigma, colour, alike, *tones = row
    described = {"sigma": sigma, "colour": colour, "correlation": 2 * alike - 1}
    described |= {name: sigma * 2**tone for name, tone in zip(TONES, tones, strict=True)}
    return {name: round(value, 3) for name, value in described.items()}
