"""Image files in requests: the same checks for photographs and for thumbnails, each made once."""

import io
import struct
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from service.images import png_chunks
from service.images.jpeg_segments import scan
from tests.service.photograph_files import encoded, samples, smooth
from tests.service.png_files import chunk, file_of
from tests.service.tiny import Start

THUMBNAIL, PHOTOGRAPH = "/denoise?fit=true", "/denoise?model=photo&strength=0"


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


@pytest.mark.parametrize("url", [THUMBNAIL, PHOTOGRAPH])
@pytest.mark.parametrize("depth", [8, 16])
async def test_a_png_is_scanned_once_and_opened_by_nobody_else(
    start: Start, monkeypatch: pytest.MonkeyPatch, url: str, depth: int
) -> None:
    opened: list[str] = []

    def spied(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def spy(*arguments: object, **options: object) -> object:
            opened.append(name)
            return function(*arguments, **options)

        return spy

    client, body = start(), file_of(samples(3, depth), 2, depth)
    monkeypatch.setattr(png_chunks, "scan", spied("scan", png_chunks.scan))
    monkeypatch.setattr(PngImageFile, "__init__", spied("Pillow", PngImageFile.__init__))
    assert (await client.post(url, content=body)).status_code == 200
    assert opened == ["scan"]


def half_a_jpeg(*, progressive: bool) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    body = encoded(Image.fromarray(noise), "JPEG", progressive=progressive)
    scans = len(scan(body).scans)
    return body[: len(body) - scans // 2] + b"\xff\xd9"


MALFORMED = {
    "no palette": file_of(samples(1), 3, 8),
    "an empty palette": file_of(samples(1), 3, 8, chunk(b"PLTE", b"")),
    "an unknown critical chunk": file_of(samples(1), 0, 8, chunk(b"NEWc", b"")),
    "a cut tRNS": file_of(samples(3), 2, 8, chunk(b"tRNS", b"\0")),
    "half a JPEG": half_a_jpeg(progressive=False),
    "half a progressive JPEG": half_a_jpeg(progressive=True),
    "no scan": encoded(smooth(), "JPEG")[:200] + b"\xff\xd9",
    "a start": b"\x89P",
    "a WebP without chunks": b"RIFF\x04\0\0\0WEBP",
    "a WebP of another size": encoded(smooth(), "WEBP")[:26] + b"\7\0\7\0" + bytes(50),
}


@pytest.mark.parametrize("url", [THUMBNAIL, PHOTOGRAPH])
@pytest.mark.parametrize("kind", MALFORMED)
async def test_malformed_pictures_are_the_senders_fault(
    client: httpx.AsyncClient, url: str, kind: str
) -> None:
    answer = await client.post(url, content=MALFORMED[kind], headers={"Content-Type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-body")
    assert answer.json()["detail"].startswith("picture: expected ")


@pytest.mark.parametrize("url", [THUMBNAIL, PHOTOGRAPH])
async def test_damaged_metadata_are_no_fault(client: httpx.AsyncClient, url: str) -> None:
    jpeg = encoded(smooth(), "JPEG")
    bodies = [
        file_of(samples(1), 0, 8, chunk(b"tEXt", b"Title\0hello")[:-1] + b"\0"),
        jpeg[:2] + struct.pack(">HH", 0xFFE0, 6) + b"JFIF" + jpeg[20:],
        jpeg[:2] + struct.pack(">HH", 0xFFEE, 7) + b"Adobe" + jpeg[2:],
        jpeg[:2] + struct.pack(">HH", 0xFFED, 22) + b"Photoshop 3.0\x008BIM\4\4" + jpeg[2:],
    ]
    for body in bodies:
        answer = await client.post(url, content=body)
        assert answer.status_code == 200, answer.text
        assert Image.open(io.BytesIO(answer.content)).format in ("PNG", "JPEG")
