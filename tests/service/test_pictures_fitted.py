"""Pictures of other sizes and colours are fitted to what a model takes."""

import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.api.codecs.image import read
from service.images.decode import media_type_of
from service.images.fit import Frame
from tests.service import format_files
from tests.service.asgi import opened
from tests.service.photograph_files import encoded
from tests.service.small_pictures import PIXELS, PNG
from tests.service.tiny import Start


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("L", (5, 4)),
        Image.new("RGB", (4, 4), (10, 10, 12)),
        Image.new("RGB", (5, 4)),
        Image.new("RGBA", (9, 9)),
        Image.new("P", (4, 4)),
        Image.new("1", (4, 4)),
        Image.new("LA", (4, 4)),
        Image.new("I;16", (4, 4)),
    ],
    ids=lambda picture: f"{picture.mode} {picture.size}",
)
async def test_a_picture_of_another_size_or_colour_is_refused_unless_it_shall_fit(
    client: httpx.AsyncClient, picture: Image.Image
) -> None:
    refused = await client.post("/denoise", content=encoded(picture), headers=PNG)
    assert refused.status_code == 422
    expected = f"expected 4x4 gray (L), received {picture.width}x{picture.height} {picture.mode}"
    assert expected in refused.json()["detail"]
    assert "fit=true" in refused.json()["detail"]
    url = "/denoise?fit=true"
    fitted = opened(await client.post(url, content=encoded(picture), headers=PNG))
    assert (fitted.mode, fitted.size) == ("L", (4, 4))


@pytest.mark.parametrize("options", [{}, {"quality": 30}, {"lossless": True}], ids=str)
async def test_a_picture_in_colour_that_shows_none_is_gray(
    client: httpx.AsyncClient, options: dict[str, Any]
) -> None:
    wheel = Image.merge("RGB", [Image.fromarray(PIXELS)] * 3)
    picture = opened(await client.post("/denoise", content=encoded(wheel), headers=PNG))
    np.testing.assert_array_equal(np.asarray(picture), PIXELS // 2)
    webp = encoded(Image.fromarray(PIXELS), "WEBP", **options)  # which has no mode for gray
    with Image.open(io.BytesIO(webp)) as read_back:
        gray = np.asarray(read_back.convert("L"))
    answer = await client.post("/denoise", content=webp, headers={"Accept": "image/png"})
    np.testing.assert_array_equal(np.asarray(opened(answer)), np.rint(gray / 2))


SMALL = Frame("L", (4, 4), 100)


def fitted(picture: Image.Image, frame: Frame = SMALL) -> Any:
    (pixels,) = read([encoded(picture)], frame, fit=True, max_pixels=1000)
    return pixels.tolist()


def test_fitting_keeps_the_aspect_on_a_black_ground() -> None:
    assert fitted(Image.new("L", (8, 4), "white")) == [[0] * 4, [255] * 4, [255] * 4, [0] * 4]


def test_fitting_is_that_of_the_training() -> None:
    halves = Image.fromarray(np.repeat([[0, 0, 90, 90, 90, 90, 0, 0]], 4, axis=0).astype(np.uint8))
    assert fitted(halves, Frame("L", (4, 4), 100, "crop")) == [[90] * 4] * 4
    assert fitted(halves, Frame("L", (2, 8), 100, "resize")) == [[0, 0, 90, 90, 90, 90, 0, 0]] * 2


def test_fitting_reads_16_bits_a_pixel_at_their_full_range() -> None:
    half = Image.fromarray(np.full((4, 4), 0x8000, np.uint16))
    assert fitted(half) == [[0x80] * 4] * 4


def test_fitting_puts_what_is_transparent_on_black() -> None:
    assert fitted(Image.new("RGBA", (4, 4), (255, 255, 255, 0))) == [[0] * 4] * 4


def test_fitting_leaves_free_sides_as_the_aspect_gives_them() -> None:
    wide = Image.new("RGB", (6, 3))
    assert np.shape(fitted(wide, Frame("L", ("steps", 4), 100))) == (2, 4)
    assert np.shape(fitted(wide, Frame("L", (4, "width"), 100))) == (4, 8)
    assert np.shape(fitted(wide, Frame("RGB", ("height", "width"), 100))) == (3, 6, 3)


def test_pictures_are_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    body = encoded(Image.fromarray(PIXELS), exif=exif)
    (upright,) = read([body], Frame("L", (4, 4), 100), fit=False, max_pixels=16)
    np.testing.assert_array_equal(upright, PIXELS[::-1, ::-1])


async def test_a_sliver_does_not_become_a_tower(start: Start) -> None:
    client = start(max_steps=50)
    tall = encoded(Image.new("L", (1, 12)))  # 4x48 once fitted
    answer = await client.post("/encode?model=rows&fit=true", content=tall, headers=PNG)
    assert answer.status_code == 200
    taller = encoded(Image.new("L", (1, 13)))
    answer = await client.post("/encode?model=rows&fit=true", content=taller, headers=PNG)
    assert answer.status_code == 422
    assert "at most 50 pixels along a free side" in answer.json()["detail"]
    long = encoded(Image.new("L", (4, 51)))
    answer = await client.post("/encode?model=rows", content=long, headers=PNG)
    assert "steps: expected at most 50, received 51" in answer.json()["detail"]


async def test_the_longest_sequence_is_no_limit_to_a_picture_of_fixed_size(start: Start) -> None:
    body = encoded(Image.new("L", (9, 9)))
    answer = await start(max_steps=1).post("/denoise?fit=true", content=body, headers=PNG)
    assert opened(answer).size == (4, 4)


@pytest.mark.parametrize("name", ["tiff", "avif", "heic", "bmp", "gif", "jp2", "jxl", "raw"])
@pytest.mark.parametrize("told", ["", "image/*", "image/png", "image/heif"])
async def test_pictures_of_every_format_are_fitted(
    client: httpx.AsyncClient, name: str, told: str
) -> None:
    body = format_files.every()[name]
    answer = await client.post(
        "/denoise?fit=true", content=body, headers={"Content-Type": told, "Accept": "image/tiff"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/tiff")
    assert media_type_of(answer.content) == "image/tiff"
