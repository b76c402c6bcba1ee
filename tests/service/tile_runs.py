"""Photographs denoised in small tiles, and what of them runs."""

import time
from typing import Any

import numpy as np
import pytest

from service.inference.model import LoadedModel
from service.inference.pixels import LARGEST, Floats
from service.inference.session import Session
from service.inference.tiling.canvas import Picture
from service.inference.tiling.denoise import Denoised
from service.inference.tiling.layout import Tiling
from tests.service.tiny import TILES

TILING = Tiling.of(TILES)
RANDOM = np.random.default_rng(0)
CORE = 16
"""With a halo of 8, the one of 2 rounded up to the stride, tiles are of 32x32 pixels at most."""
SLOW = 0.02
"""Seconds."""


async def denoise(model: LoadedModel, noisy: Picture, **options: Any) -> Denoised:
    return await model.photographs().denoise(noisy, **options)


def picture(*shape: int, dtype: str = "uint8") -> Picture:
    if dtype == "float32":
        return RANDOM.random(shape, np.float32)
    return RANDOM.integers(0, LARGEST[np.dtype(dtype)], shape, dtype, endpoint=True)


def at_once(model: LoadedModel, noisy: Floats, sigma: float | None = None) -> Floats:
    """What a whole picture (height, width, 3) becomes, mirrored up to the stride."""
    height, width, _ = noisy.shape
    beyond = [(0, -side % TILES.stride) for side in (height, width)]
    padded = np.pad(noisy, (*beyond, (0, 0)), "symmetric")
    return model.infer("denoise", padded[None], sigma=sigma)[0, :height, :width]


def record_shapes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shape of each run from now on."""
    shapes: list[tuple[int, ...]] = []
    run = Session.run

    def record(session: Session, array: Floats, *arguments: Any) -> Floats:
        shapes.append(array.shape)
        return run(session, array, *arguments)

    monkeypatch.setattr(Session, "run", record)
    return shapes


def slow_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each run from now on take a while."""
    run = Session.run

    def crawl(session: Session, array: Floats, *arguments: Any) -> Floats:
        time.sleep(SLOW)
        return run(session, array, *arguments)

    monkeypatch.setattr(Session, "run", crawl)
