"""Requests of every kind, compared with what the service answers alone, to the byte."""

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from service.app import create_app
from service.settings import Settings
from tests.ray.conftest import SETTINGS

RANDOM = np.random.default_rng(17)
OWN = {"date", "server", "server-timing", "transfer-encoding", "content-length", "x-request-id"}
"""Headers that tell of one request, or of one server."""
PROTECTING = {
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-resource-policy",
    "content-security-policy",
}
"""Headers that the service's own server adds."""


def picture(height: int, width: int, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, (height, width, 3), np.uint8)).save(file, kind)
    return file.getvalue()


def npy(*shape: int) -> bytes:
    file = io.BytesIO()
    np.save(file, RANDOM.random(shape, np.float32))
    return file.getvalue()


def archive(*photographs: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for number, photograph in enumerate(photographs):
            made.writestr(f"{number}.png", photograph)
    return file.getvalue()


IMAGES = {"inputs": RANDOM.random((3, 4, 4)).tolist()}
NPY = {"Content-Type": "application/x-npy"}
INFER = {
    "inputs": [
        {"name": "images", "shape": [1, 4, 4], "datatype": "FP32", "data": [0.5] * 16},
    ]
}
REQUESTS: dict[str, dict[str, Any]] = {
    "json": {"url": "/encode", "json": IMAGES},
    "steps": {"url": "/decode?model=rows&steps=7", "json": {"inputs": [[0.1, 0.2, 0.3, 0.4]]}},
    "npy": {
        "url": "/denoise",
        "content": npy(5, 4, 4),
        "headers": NPY | {"Accept": NPY["Content-Type"]},
    },
    "a reconstruction": {"url": "/reconstruct?model=rows", "json": IMAGES},
    "scores": {"url": "/score?model=rows&map=true", "json": IMAGES},
    "an older version": {"url": "/denoise?model=half&version=1", "json": IMAGES},
    "a photograph": {"url": "/denoise?model=photo&sigma=12", "content": picture(300, 210)},
    "a photograph of several tiles": {
        "url": "/denoise?model=photo",
        "content": picture(1100, 700, "JPEG"),
    },
    "a region": {"url": "/denoise?model=photo&region=8,16,40,50", "content": picture(120, 90)},
    "several in a zip": {
        "url": "/denoise?model=photo",
        "content": archive(picture(40, 50), picture(60, 30)),
        "headers": {"Content-Type": "application/zip"},
    },
    "a form": {
        "url": "/denoise?model=photo",
        "files": {"file": picture(33, 44)},
        "data": {"sigma": "7"},
    },
    "open inference": {"url": "/v2/models/half.encode/infer", "json": INFER},
    "malformed": {
        "url": "/encode",
        "content": b"{",
        "headers": {"Content-Type": "application/json"},
    },
    "another shape": {"url": "/encode", "json": {"inputs": [[1, 2]]}},
    "outputs that are not finite": {
        "url": "/denoise?model=photo&sigma=100",
        "json": {"inputs": [[[[3e38] * 3] * 16] * 16]},
    },
    "no such model": {"url": "/encode?model=none", "json": IMAGES},
    "no such operation": {"url": "/denoise?model=rows", "json": IMAGES},
    "sigma beyond its range": {"url": "/denoise?model=photo&sigma=101", "content": picture(16, 16)},
    "no such path": {"url": "/nothing"},
    "control that is off": {"url": "/v2/repository/models/half.encode/unload"},
}
PAGES = (
    "/models",
    "/models/photo",
    "/openapi.json",
    "/",
    "/health/ready",
    "/v2",
    "/v2/models/half.encode",
)


async def compare(client: httpx.Client, models: Path) -> None:
    """Send each request to both, and compare the responses.

    Args:
        client: Of the service on Ray.
        models: The folder that it serves.
    """
    settings = Settings(**SETTINGS, models=models, repository_control=False, jobs_dir="")
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as plain:
        for what, request in REQUESTS.items():
            _check(
                what, await asyncio.to_thread(client.post, **request), await plain.post(**request)
            )
        for page in PAGES:
            _check(page, await asyncio.to_thread(client.get, page), await plain.get(page))


def _check(what: str, received: httpx.Response, expected: httpx.Response) -> None:
    assert received.status_code == expected.status_code, (what, received.text)
    assert _content(received) == _content(expected), what
    assert received.headers.keys() >= PROTECTING, what
    assert len(received.headers.get_list("x-request-id")) == 1, what
    ours, theirs = (
        {name: value for name, value in each.headers.items() if name not in OWN | PROTECTING}
        for each in (received, expected)
    )
    assert ours == theirs, what


def _content(response: httpx.Response) -> bytes | list[tuple[str, bytes]]:
    """Return the body; of a zip archive what its entries have, as each also has a time."""
    if response.headers["Content-Type"] != "application/zip":
        return response.content
    with zipfile.ZipFile(io.BytesIO(response.content)) as received:
        return [(entry.filename, received.read(entry)) for entry in received.infolist()]
