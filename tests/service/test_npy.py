"""Operations with bodies and answers as numpy saves arrays."""

import asyncio
import io
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.service.gate import Gate
from tests.service.tiny import Start

NPY = {"Content-Type": "application/x-npy"}
IMAGES = np.random.default_rng(0).random((3, 4, 4), np.float32)


def saved(array: NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def reshaped(shape: str) -> bytes:
    """A body whose header says another shape than the array has."""
    said = b"(3, 4, 4), }"
    new = f"{shape}, }}".encode()
    return saved(IMAGES).replace(said + b" " * (len(new) - len(said)), new)


def loaded(answer: httpx.Response) -> NDArray[Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-npy"
    array: NDArray[Any] = np.load(io.BytesIO(answer.content))
    return array


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


async def test_encode_then_decode_gives_the_images_back(client: httpx.AsyncClient) -> None:
    codings = loaded(await client.post("/encode", content=saved(IMAGES), headers=NPY))
    assert codings.dtype == np.float32
    images = loaded(await client.post("/decode", content=saved(codings), headers=NPY))
    np.testing.assert_array_equal(images, IMAGES)


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8"])
async def test_floats_of_any_width_and_byte_order_are_read(
    client: httpx.AsyncClient, dtype: str
) -> None:
    answer = loaded(await client.post("/encode", content=saved(IMAGES.astype(dtype)), headers=NPY))
    np.testing.assert_allclose(answer, IMAGES.reshape(3, 16), atol=1e-3)


async def test_arrays_in_fortran_order_are_read(client: httpx.AsyncClient) -> None:
    answer = loaded(
        await client.post("/encode", content=saved(np.asfortranarray(IMAGES)), headers=NPY)
    )
    np.testing.assert_array_equal(answer, IMAGES.reshape(3, 16))


async def test_pixels_come_back_as_pixels(client: httpx.AsyncClient) -> None:
    pixels = np.arange(16, dtype=np.uint8).reshape(1, 4, 4) * 16
    answer = loaded(await client.post("/denoise", content=saved(pixels), headers=NPY))
    assert answer.dtype == np.uint8
    np.testing.assert_array_equal(answer, pixels // 2)


async def test_pixels_are_encoded_in_the_range_of_the_model(client: httpx.AsyncClient) -> None:
    pixels = np.full((1, 4, 4), 255, np.uint8)
    answer = loaded(await client.post("/encode", content=saved(pixels), headers=NPY))
    np.testing.assert_array_equal(answer, np.ones((1, 16), np.float32))


async def test_json_is_answered_where_it_is_accepted(client: httpx.AsyncClient) -> None:
    headers = NPY | {"Accept": "application/json"}
    answer = await client.post("/encode", content=saved(IMAGES), headers=headers)
    np.testing.assert_array_equal(
        np.array(answer.json()["outputs"], np.float32), IMAGES.reshape(3, 16)
    )


def versioned(major: int) -> bytes:
    """A file whose header has its length in 4 bytes, as from version 2.0 on."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, IMAGES, (2, 0))
    return stream.getvalue().replace(b"NUMPY\2", b"NUMPY" + bytes([major]))


@pytest.mark.parametrize("major", [2, 3])
async def test_every_version_of_the_format_is_read(client: httpx.AsyncClient, major: int) -> None:
    answer = await client.post("/encode", content=versioned(major), headers=NPY)
    np.testing.assert_array_equal(loaded(answer), IMAGES.reshape(3, 16))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"not numpy", 400, "malformed-body"),
        (b"", 400, "malformed-body"),
        (saved(IMAGES)[:-1], 400, "malformed-body"),
        (saved(IMAGES) + b"\0", 400, "malformed-body"),
        (saved(IMAGES)[:20], 400, "malformed-body"),
        (saved(IMAGES).replace(b"NUMPY\1\0", b"NUMPY\1\1"), 400, "malformed-body"),
        (versioned(4), 400, "malformed-body"),
        (saved(IMAGES).replace(b"(3, 4, 4)", b"(3, 4, -4)"), 400, "malformed-body"),
        (saved(IMAGES).replace(b"(3, 4, 4), ", b"(9**9, 4), "), 400, "malformed-body"),
        (saved(IMAGES).replace(b"(3, 4, 4)", b"(1,-4,-12)"), 400, "malformed-body"),
        (saved(IMAGES).replace(b"(3, 4, 4)", b"(True,3,4)"), 400, "malformed-body"),
        (reshaped("(0, 9223372036854775808, 28)"), 400, "malformed-body"),
        (reshaped("(0, 1099511627776, 1099511627776)"), 400, "malformed-body"),
        (saved(IMAGES).replace(b"(3, 4, 4)", b"(3, 4, 'x"), 400, "malformed-body"),
        (saved(IMAGES).replace(b"'<f4'", b"'zz!'"), 400, "malformed-body"),
        (saved(np.zeros((1,) * 40)), 400, "malformed-body"),
        (saved(np.array(None), allow_pickle=True), 422, "invalid-value"),
        (saved(IMAGES.astype(np.int64)), 422, "invalid-value"),
        (saved(IMAGES.astype(np.complex64)), 422, "invalid-value"),
        (saved(np.full((1, 4, 4), np.nan)), 422, "invalid-value"),
        (saved(np.full((1, 4, 4), 1e300)), 422, "invalid-value"),
        (saved(IMAGES[0]), 422, "shape-mismatch"),
        (saved(np.zeros((0, 4, 4))), 422, "invalid-value"),
        (saved(np.zeros(0)), 422, "invalid-value"),
        (saved(np.zeros((1, 0, 4))), 422, "shape-mismatch"),
    ],
)
async def test_a_body_that_is_no_batch_of_images_is_explained(
    client: httpx.AsyncClient, body: bytes, status: int, code: str
) -> None:
    answer = await client.post("/encode", content=body, headers=NPY)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert "received" in answer.json()["detail"]


async def test_a_header_that_claims_more_than_it_brings_allocates_nothing(
    client: httpx.AsyncClient,
) -> None:
    huge = reshaped("(3000000000000, 4, 4)")
    answer = await client.post("/encode", content=huge, headers=NPY)
    assert answer.status_code == 400
    assert "expected 192000000000000 bytes" in answer.json()["detail"]


@pytest.mark.parametrize("operation", ["encode", "denoise"])
async def test_an_array_without_dimensions_has_the_wrong_shape(
    client: httpx.AsyncClient, operation: str
) -> None:
    for scalar in (np.uint8(1), np.float32(1)):
        answer = await client.post(f"/{operation}", content=saved(np.array(scalar)), headers=NPY)
        assert (answer.status_code, answer.json()["code"]) == (422, "shape-mismatch")


async def test_outputs_that_are_not_finite_are_refused(client: httpx.AsyncClient) -> None:
    largest = np.full((1, 3, 4), np.finfo(np.float32).max)  # whose mean is infinite
    answer = await client.post("/encode?model=rows", content=saved(largest), headers=NPY)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")
    assert "outputs are not finite" in answer.json()["detail"]


async def test_codings_are_not_pixels(client: httpx.AsyncClient) -> None:
    answer = await client.post("/decode", content=saved(np.zeros((1, 16), np.uint8)), headers=NPY)
    assert answer.status_code == 422
    assert "received uint8" in answer.json()["detail"]


async def test_pixels_are_counted_as_the_floats_that_they_become(start: Start, gate: Gate) -> None:
    body = saved(np.zeros((1, 4, 4), np.uint8))
    floats = 4 * 16  # the bytes of the inputs, and of the outputs
    for room, status in ((2 * (len(body) + 2 * floats), 200), (2 * (len(body) + floats), 429)):
        client = start(max_queue_bytes=room)
        gate.close()
        first = asyncio.create_task(client.post("/encode", content=body, headers=NPY))
        await gate.reached()
        second = asyncio.create_task(client.post("/encode", content=body, headers=NPY))
        await asyncio.sleep(0.05)
        gate.open()
        assert ((await first).status_code, (await second).status_code) == (200, status)
