"""The pixels of jobs, counted for quotas: little is read for them, and callers do not wait."""

import asyncio
import functools
import threading
import zipfile
from collections.abc import Callable, Coroutine
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.api import query
from service.api.archive.declared import FIRST, FileCodec, declared_pixels
from service.api.archive.source import Source
from service.api.archive.zip_reader import sources
from service.api.body import Body
from service.api.codecs import photographs
from service.api.jobs.pixel_counter import PixelCounter
from service.api.media_types import ZIP, MediaType
from service.api.routing import Limits
from service.errors import DeadlineExceeded, MalformedBody
from service.inference.caller import Caller
from service.inference.loader import load
from tests.service.asgi import check_problem
from tests.service.format_files import heic, jxl, tiff
from tests.service.photograph_files import encoded
from tests.service.tiny import Start
from tests.service.zip_files import zipped

LARGEST = 1 << 24
NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8))
BLACK = zipped(
    {f"{number}.bmp": encoded(Image.new("L", (2000, 2000)), "BMP") for number in range(4)},
    zipfile.ZIP_DEFLATED,
)
"""Four photographs of 4 megapixels, in 16 kB."""


@pytest.fixture(scope="module")
def codec_of(tiny_models: Path) -> Callable[[], FileCodec]:
    make = photographs.codecs(Limits(LARGEST, LARGEST, 4_000_000, 1, 10))
    model = load(tiny_models / "photo" / "1")
    choice = query.parse(b"", query.KINDS["denoise"])
    return functools.partial(make, model, MediaType(ZIP), "*/*", choice)


@pytest.fixture
def bytes_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes of the entries of zips that are decompressed, read by read."""
    read, found = zipfile.ZipExtFile.read, []

    def noted(file: zipfile.ZipExtFile, most: int | None = -1) -> bytes:
        content = read(file, most)
        found.append(len(content))
        return content

    monkeypatch.setattr(zipfile.ZipExtFile, "read", noted)
    return found


def one_in_a_zip(content: bytes) -> Source:
    (source,) = sources(zipped({"a": content}, zipfile.ZIP_DEFLATED), LARGEST)
    return source


def never() -> bool:
    return False


@pytest.mark.parametrize(
    ("content", "is_read_whole"),
    [
        (encoded(NOISE, "PNG"), False),
        (encoded(NOISE, "JPEG", quality=100), False),
        (encoded(NOISE, "BMP"), False),
        (encoded(NOISE, "WEBP", lossless=True), False),
        (encoded(NOISE, "JPEG2000"), False),
        (heic(NOISE, quality=100), False),
        (jxl(NOISE, lossless=True), False),
        (encoded(NOISE, "GIF"), True),
        (encoded(NOISE, "AVIF", quality=100), True),
        (tiff(np.asarray(NOISE)), True),
        (
            encoded(NOISE, "JPEG", quality=100, comment=b"-" * 60_000, icc_profile=bytes(99_999)),
            True,
        ),
    ],
)
def test_of_a_photograph_no_more_is_read_than_tells_its_size(
    content: bytes, is_read_whole: bool, codec_of: Callable[[], FileCodec], bytes_read: list[int]
) -> None:
    assert len(content) > FIRST
    assert declared_pixels(one_in_a_zip(content), codec_of, never) == 400 * 300
    assert (max(bytes_read) == len(content)) == is_read_whole
    assert bytes_read[0] == FIRST


@pytest.mark.parametrize(
    "content", [b"", b"no photograph", encoded(NOISE)[:20], b"GIF89a" * 99_999]
)
def test_what_is_no_photograph_has_no_pixels(
    content: bytes, codec_of: Callable[[], FileCodec]
) -> None:
    assert declared_pixels(one_in_a_zip(content), codec_of, never) == 0


def test_what_takes_too_long_is_given_up(codec_of: Callable[[], FileCodec]) -> None:
    with pytest.raises(DeadlineExceeded, match="expected all photographs to be opened"):
        declared_pixels(one_in_a_zip(encoded(NOISE)), codec_of, lambda: True)


async def test_the_photographs_beyond_a_whole_quota_are_not_looked_at(
    start: Start, tmp_path: Path, bytes_read: list[int]
) -> None:
    client = start(rate_megapixels=5, jobs_dir=str(tmp_path), default_picture="photo")
    answer = await client.post("/jobs", content=BLACK, headers={"Content-Type": ZIP})
    detail = check_problem(answer, 413, "body-too-large")
    assert "expected at most 5 megapixels, the quota a minute of the address 127.0.0.1" in detail
    assert bytes_read == [FIRST, FIRST]


def unreadable(_: Body) -> FileCodec:
    raise MalformedBody("body: expected a photograph, received none")


async def test_a_caller_does_not_wait_until_the_body_of_another_is_counted() -> None:
    counter = PixelCounter(1000, 60.0)
    has_begun, may_end = threading.Event(), threading.Event()

    def slow() -> bytes:
        has_begun.set()
        may_end.wait(60)
        return b"."

    def quick() -> bytes:
        return b"."

    async def pixels(whose: str, stored: Callable[[], bytes]) -> int:
        return await counter.pixels(stored, 900, Caller(whose, 1), "", unreadable, 1)

    flood = [asyncio.create_task(pixels("flood", each)) for each in (slow, slow, quick)]
    await asyncio.to_thread(has_begun.wait, 60)
    try:
        assert await asyncio.wait_for(pixels("other", quick), 20) == 0
        assert not flood[2].done()  # there is no room for three of one caller
    finally:
        may_end.set()
    assert await asyncio.gather(*flood) == [0, 0, 0]


async def test_a_body_for_which_there_is_no_room_in_time_is_refused() -> None:
    counter = PixelCounter(1000, 0.05)
    may_end = threading.Event()

    def slow() -> bytes:
        may_end.wait(60)
        return b"."

    def pixels() -> Coroutine[None, None, int]:
        return counter.pixels(slow, 1500, Caller("a", 1), "", unreadable, 1)

    first = asyncio.create_task(pixels())
    await asyncio.sleep(0)
    with pytest.raises(DeadlineExceeded, match="expected room to open the body within"):
        await pixels()
    may_end.set()
    assert await first == 0
