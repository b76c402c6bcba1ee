"""A folder of models that a repository follows: what is in it, and how it breaks."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np

from service.inference.repository import Repository

IMAGES = np.ones((1, 4, 4), np.float32)


def states(repository: Repository) -> dict[str, str]:
    known = repository.registry.known.values()
    return {f"{each.name}/{each.number}": each.state for each in known}


def break_graph(folder: Path) -> None:
    (folder / "denoise.onnx").write_bytes(b"no graph")


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what is waited for is not told
            await asyncio.sleep(0.01)
