"""POST /denoise with photographs of any size."""

import io

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.service.tiny import Start

RANDOM = np.random.default_rng(0)


def picture(height: int, width: int, mode: str = "RGB", kind: str = "PNG") -> bytes:
    shape = (height, width, len(mode)) if len(mode) > 1 else (height, width)
    stream = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, shape, np.uint8)).save(stream, kind)
    return stream.getvalue()


def opened(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
@pytest.mark.parametrize("size", [(1, 1), (23, 37), (64, 64)])
async def test_a_photograph_comes_back_in_its_size_and_mode(
    start: Start, size: tuple[int, int], mode: str
) -> None:
    sent = picture(*size, mode)
    answer = await start().post("/denoise?model=photo", content=sent)
    received = opened(answer)
    before = Image.open(io.BytesIO(sent))
    assert (received.size, received.mode, received.format) == (before.size, mode, "PNG")
    if mode.endswith("A"):
        assert received.getchannel("A").tobytes() == before.getchannel("A").tobytes()
    assert answer.headers["x-model"] == "photo"
    assert "write;dur=" in answer.headers["server-timing"]


async def test_the_format_is_that_of_the_photograph_or_as_asked(start: Start) -> None:
    client, sent = start(), picture(16, 16, kind="JPEG")
    assert opened(await client.post("/denoise?model=photo", content=sent)).format == "JPEG"
    asked = {"Accept": "image/webp"}
    answer = await client.post("/denoise?model=photo&quality=80", content=sent, headers=asked)
    assert opened(answer).format == "WEBP"
    asked = {"Accept": "image/jpeg"}
    answer = await client.post("/denoise?model=photo", content=picture(8, 8, "RGBA"), headers=asked)
    assert answer.status_code == 406


async def test_sigma_and_strength_say_how_much_noise_to_remove(start: Start) -> None:
    client, sent = start(), picture(24, 24)
    before = np.asarray(Image.open(io.BytesIO(sent)))
    untouched = await client.post("/denoise?model=photo&strength=0", content=sent)
    np.testing.assert_array_equal(np.asarray(opened(untouched)), before)
    told = [
        np.asarray(opened(await client.post(f"/denoise?model=photo{query}", content=sent)))
        for query in ("", "&sigma=10", "&sigma=100")
    ]
    assert not np.array_equal(told[0], told[1])
    assert not np.array_equal(told[1], told[2])
    for wrong in ("sigma=101", "sigma=-1", "strength=1.1", "quality=0"):
        answer = await client.post(f"/denoise?model=photo&{wrong}", content=sent)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")


async def test_arrays_of_photographs_of_any_size_are_denoised(start: Start) -> None:
    images = RANDOM.random((2, 11, 19, 3), np.float32)
    stream = io.BytesIO()
    np.save(stream, images)
    answer = await start().post("/denoise?model=photo", content=stream.getvalue())
    assert answer.status_code == 200, answer.text
    received = np.load(io.BytesIO(answer.content))
    assert (received.shape, received.dtype) == (images.shape, images.dtype)
    wrong = await start().post("/denoise?model=photo", json={"inputs": [[[0.5] * 4] * 4]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "shape-mismatch")


async def test_a_picture_goes_to_photo_where_no_model_is_named(start: Start) -> None:
    client = start(default_picture=None)
    assert (await client.post("/denoise", content=picture(5, 9))).headers["x-model"] == "photo"
    answer = await client.post("/denoise", json={"inputs": [[[0.5] * 4] * 4]})
    assert answer.headers["x-model"] == "half"


async def test_a_model_of_one_size_takes_no_sigma(start: Start) -> None:
    answer = await start().post("/denoise?model=half&sigma=5", content=picture(4, 4, "L"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")


async def test_photographs_beyond_the_limit_are_refused(start: Start) -> None:
    client = start(max_pixels=100)
    answer = await client.post("/denoise?model=photo", content=picture(11, 10))
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
