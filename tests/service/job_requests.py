"""What tests send to /jobs, and how they wait for what becomes of it."""

import asyncio
import io
import time
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import numpy as np
from PIL import Image

JSON = "application/json"
ARRAY = {"inputs": [[[0.5] * 4] * 4]}
UNFINISHED = ("queued", "running")


def archive(*files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for index, file in enumerate(files):
            archive.writestr(zipfile.ZipInfo(f"{index}.png"), file)
    return packed.getvalue()


def contents(packed: bytes) -> dict[str, bytes]:
    """The entries of a zip by name, without the times of day that it tells."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {each.filename: archive.read(each) for each in archive.infolist()}


def picture(size: tuple[int, int] = (40, 24), **options: Any) -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG", **options)
    return file.getvalue()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def finished(
    client: httpx.AsyncClient, path: str, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The document of a job once it has finished."""
    async with asyncio.timeout(20):
        while True:
            document = (await client.get(path, headers=headers)).json()
            if document.get("state") not in UNFINISHED:
                return dict(document)
            await asyncio.sleep(0.02)


async def create(client: httpx.AsyncClient, query: str = "", **body: Any) -> str:
    """The path of a new job."""
    answer = await client.post(f"/jobs?{query}", **(body or {"json": ARRAY}))
    assert answer.status_code == 202, answer.text
    return str(answer.headers["location"])
