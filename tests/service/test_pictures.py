"""Pictures for models of images of one size: read, recognised and written in every format."""

import io

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.service.asgi import opened
from tests.service.photograph_files import encoded
from tests.service.small_pictures import GRAY, PIXELS, PNG


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


async def test_a_picture_comes_back_as_a_png(client: httpx.AsyncClient) -> None:
    picture = opened(await client.post("/denoise", content=GRAY, headers=PNG))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (4, 4))
    np.testing.assert_array_equal(np.asarray(picture), PIXELS // 2)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_pictures_are_written_as_accept_asks(client: httpx.AsyncClient, kind: str) -> None:
    headers = PNG | {"Accept": f"image/{kind.lower()}"}
    picture = opened(await client.post("/denoise", content=GRAY, headers=headers))
    assert picture.format == kind
    np.testing.assert_allclose(np.asarray(picture.convert("L")), PIXELS // 2, atol=8)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
async def test_pictures_of_other_formats_are_read(client: httpx.AsyncClient, kind: str) -> None:
    body = encoded(Image.fromarray(PIXELS), kind, quality=100)
    headers = {"Content-Type": f"image/{kind.lower()}"}
    picture = opened(await client.post("/denoise", content=body, headers=headers))
    np.testing.assert_allclose(np.asarray(picture), PIXELS // 2, atol=8)


@pytest.mark.parametrize("told", ["application/octet-stream", "application/x-www-form-urlencoded"])
async def test_a_picture_of_untold_type_is_recognised(client: httpx.AsyncClient, told: str) -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        body = encoded(Image.fromarray(PIXELS), kind)
        answer = await client.post(
            "/denoise?fit=true", content=body, headers={"Content-Type": told}
        )
        assert opened(answer).size == (4, 4)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_the_bytes_of_a_picture_say_which_it_is_whatever_its_type_says(
    client: httpx.AsyncClient, kind: str
) -> None:
    body = encoded(Image.fromarray(PIXELS), kind, quality=100)
    for told in ("image/png", "image/jpeg", "image/webp"):
        headers = {"Content-Type": told}
        picture = opened(await client.post("/denoise?fit=true", content=body, headers=headers))
        np.testing.assert_allclose(np.asarray(picture), PIXELS // 2, atol=8)


async def test_a_picture_is_encoded_as_json_or_npy(client: httpx.AsyncClient) -> None:
    answer = await client.post("/encode", content=GRAY, headers=PNG)
    np.testing.assert_allclose(answer.json()["outputs"], [PIXELS.ravel() / 255], atol=1e-6)
    refused = await client.post("/encode", content=GRAY, headers=PNG | {"Accept": "image/png"})
    assert refused.status_code == 406
    assert "application/json, application/x-npy" in refused.json()["detail"]


async def test_a_coding_is_decoded_to_a_picture_where_it_is_accepted(
    client: httpx.AsyncClient,
) -> None:
    body = {"inputs": [(PIXELS.ravel() / 255).tolist()]}
    picture = opened(await client.post("/decode", json=body, headers={"Accept": "image/png"}))
    np.testing.assert_array_equal(np.asarray(picture), PIXELS)


async def test_a_form_with_one_file_gives_one_picture(client: httpx.AsyncClient) -> None:
    picture = opened(await client.post("/denoise", files={"file": GRAY}))
    np.testing.assert_array_equal(np.asarray(picture), PIXELS // 2)


async def test_a_form_with_several_files_gives_a_batch(client: httpx.AsyncClient) -> None:
    files = [("file", GRAY)] * 3
    answer = await client.post("/denoise", files=files)
    assert np.shape(answer.json()["outputs"]) == (3, 4, 4)
    npy = await client.post("/denoise", files=files, headers={"Accept": "application/x-npy"})
    assert np.load(io.BytesIO(npy.content)).shape == (3, 4, 4)
    refused = await client.post("/denoise", files=files, headers={"Accept": "image/png"})
    assert refused.status_code == 406
    assert "received image/png; a picture holds one image" in refused.json()["detail"]


async def test_a_form_is_read_strictly(client: httpx.AsyncClient) -> None:
    other = await client.post("/denoise", files={"attachment": GRAY})
    assert other.status_code == 422
    assert "received one in a part named attachment" in other.json()["detail"]
    sizes = [("file", GRAY), ("file", encoded(Image.new("L", (4, 5))))]
    mixed = await client.post("/encode?model=rows", files=sizes)
    assert mixed.status_code == 422
    assert "received 4x4, 4x5" in mixed.json()["detail"]
    no_boundary = {"Content-Type": "multipart/form-data"}
    assert (await client.post("/denoise", content=GRAY, headers=no_boundary)).status_code == 400
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await client.post("/denoise", content=b"--x\r\nnothing", headers=broken)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-body")


async def test_colour_and_free_sizes_pass_through_models_that_take_them(
    client: httpx.AsyncClient,
) -> None:
    body = encoded(Image.new("RGB", (7, 3), (200, 100, 50)))
    picture = opened(await client.post("/denoise?model=colours", content=body, headers=PNG))
    assert picture.size == (7, 3)
    assert np.asarray(picture)[0, 0].tolist() == [100, 50, 25]


async def test_other_picture_formats_are_refused_with_the_list(client: httpx.AsyncClient) -> None:
    for told in ("application/pdf", "image/png", "", "image/x-anything"):
        headers = {"Content-Type": told}
        answer = await client.post("/denoise", content=b"%PDF-1.7" + bytes(64), headers=headers)
        assert answer.status_code == 415
        detail = answer.json()["detail"]
        assert detail.startswith("picture: PDF is not read here; expected one of PNG, JPEG, WebP, ")
