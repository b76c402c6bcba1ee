"""Pictures that are damaged, or far larger than they look, spoil nothing but their own request."""

import io
import struct
import threading
import zlib
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.api.codecs import image as pictures
from service.api.codecs.image import read
from service.cpus import usable_cpus
from service.errors import MalformedBody
from service.images.fit import Frame
from tests.service.asgi import opened
from tests.service.photograph_files import encoded
from tests.service.png_files import chunk
from tests.service.small_pictures import GRAY, PIXELS, PNG
from tests.service.tiny import Start


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


@pytest.mark.parametrize("length", [8, 40, 50])
async def test_a_truncated_picture_is_malformed(client: httpx.AsyncClient, length: int) -> None:
    answer = await client.post("/denoise", content=GRAY[:length], headers=PNG)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-body")


async def test_a_picture_cut_off_in_its_pixels_is_malformed(client: httpx.AsyncClient) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    for kind in ("PNG", "JPEG", "WEBP"):
        body = encoded(Image.fromarray(noise), kind)[:-500]
        answer = await client.post("/denoise?fit=true", content=body, headers=PNG)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed-body")


async def test_broken_metadata_spoils_no_picture(client: httpx.AsyncClient) -> None:
    good = b"Exif\0\0MM\0*\0\0\0\x08"
    for exif in (
        b"Exif\0\0nonsense",
        good,
        good + b"\0\x01\x01\x12\0\x03\0\0\0\x09\xff\xff\xff\xff",
    ):
        body = encoded(Image.fromarray(PIXELS), exif=exif)
        picture = opened(await client.post("/denoise", content=body, headers=PNG))
        np.testing.assert_array_equal(np.asarray(picture), PIXELS // 2)


async def test_pixels_are_counted_over_all_the_pictures_of_a_form(start: Start) -> None:
    client = start(max_pixels=40)
    large = encoded(Image.new("L", (5, 4)))  # counted as it is sent, not as it is fitted
    url = "/denoise?fit=true"
    assert (await client.post(url, files=[("file", large)] * 2)).status_code == 200
    answer = await client.post(url, files=[("file", large)] * 3)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


@pytest.mark.parametrize("place", ["before", "after"])
async def test_broken_chunks_are_the_senders_fault(client: httpx.AsyncClient, place: str) -> None:
    profile = chunk(b"iCCP", b"x")
    data = GRAY.index(b"IDAT") - 4
    end = GRAY.index(b"IEND") - 4
    at = data if place == "before" else end
    body = GRAY[:at] + profile + GRAY[at:]
    answer = await client.post("/denoise", content=body, headers=PNG)
    assert answer.status_code in (200, 400)


async def test_a_palette_picture_without_its_palette_is_malformed(
    client: httpx.AsyncClient,
) -> None:
    body = encoded(Image.new("P", (4, 4)))
    start, end = body.index(b"PLTE") - 4, body.index(b"IDAT") - 4
    answer = await client.post("/denoise?fit=true", content=body[:start] + body[end:], headers=PNG)
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_an_animated_picture_is_refused(client: httpx.AsyncClient, kind: str) -> None:
    frames = [Image.new("L", (4, 4), gray) for gray in (0, 200)]
    body = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    answer = await client.post("/denoise?fit=true", content=body, headers=PNG)
    assert answer.status_code == 415
    assert "received 2 frames" in answer.json()["detail"]


@pytest.mark.parametrize("seed", range(20))
async def test_no_spoiled_body_is_a_fault_of_the_service(
    client: httpx.AsyncClient, seed: int
) -> None:
    random = np.random.default_rng(seed)
    stream = io.BytesIO()
    np.save(stream, np.zeros((2, 4, 4), np.float32))
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures = [
        *(encoded(Image.fromarray(PIXELS), kind, exif=exif) for kind in ("PNG", "JPEG", "WEBP")),
        encoded(Image.new("P", (4, 4)), exif=exif),
    ]
    for body in [stream.getvalue(), *pictures]:
        spoiled = bytearray(body)
        for place in random.integers(0, len(body), 3):
            spoiled[place] = random.integers(256)
        answer = await client.post("/denoise?fit=true", content=bytes(spoiled))
        assert answer.status_code in (200, 400, 413, 415, 422), answer.text


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "size", [(8000, 8000), (12_000, 12_000), (60_000, 60_000)], ids=lambda size: f"{size[0]}"
)
async def test_a_decompression_bomb_is_refused_before_it_is_decoded(
    client: httpx.AsyncClient, size: tuple[int, int]
) -> None:
    answer = await client.post("/denoise?fit=true", content=bomb(*size), headers=PNG)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert (
        f"at most 50000000 pixels in all (SERVICE_MAX_PIXELS), received {size[0]}x"
        in answer.json()["detail"]
    )


@pytest.mark.parametrize(("side", "waits"), [(1000, False), (1001, True)])
def test_large_pictures_wait_for_a_turn_to_be_decoded(
    monkeypatch: pytest.MonkeyPatch, side: int, waits: bool
) -> None:
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr(pictures, "_turns", lambda: turns)
    body = encoded(Image.new("L", (side, side)))
    images: list[Any] = []

    def decode() -> None:
        images.extend(read([body], Frame("L", (4, 4), 100), fit=True, max_pixels=2_000_000))

    thread = threading.Thread(target=decode)
    with turns:
        thread.start()
        thread.join(0.5 if waits else 10)
        assert thread.is_alive() == waits
    thread.join(10)
    assert [image.shape for image in images] == [(4, 4)]


def test_a_large_picture_that_cannot_be_read_gives_its_turn_back() -> None:
    whole = encoded(Image.effect_noise((1100, 1100), 50))
    for _ in range(2 + usable_cpus()):
        with pytest.raises(MalformedBody):
            read([whole[: len(whole) // 2]], Frame("L", (4, 4), 100), fit=True, max_pixels=2**21)
