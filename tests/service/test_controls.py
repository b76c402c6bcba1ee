"""How much of the noise is removed, from luma and from chroma."""

import io
import itertools
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.errors import InvalidValue
from service.inference.loader import load
from service.inference.model import Model
from service.inference.tiling.canvas import Picture
from service.inference.tiling.controls import Controls
from tests.service.running import ROOT
from tests.service.tiny import Start, write_model

BT601 = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.886 / 1.772],
        [0.701 / 1.402, -0.587 / 1.402, -0.114 / 1.402],
    ]
)
"""RGB to YCbCr, by rows."""
RANDOM = np.random.default_rng(0)


@pytest.fixture(params=["tiny", "shipped"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Model:
    if request.param == "shipped":
        return load(ROOT / "models" / "photo" / "1")
    return load(write_model(tmp_path, "photo"))


def picture(*shape: int) -> Picture:
    """A smooth picture with noise, none of it so bright or dark that results are cut off."""
    rows = np.linspace(0.3, 0.7, shape[0], dtype=np.float32).reshape(-1, *[1] * (len(shape) - 1))
    return np.asarray(rows + 0.04 * RANDOM.standard_normal(shape, np.float32))


def samples(floats: Picture) -> Picture:
    return np.asarray(np.rint(255 * floats), np.uint8)


def denoised(model: Model, noisy: Picture, **controls: Any) -> Picture:
    denoiser = model.photographs()
    chosen = Controls(**controls)
    return denoiser.denoise_now(noisy, sigma=10, controls=chosen, core=16).output


def test_luma_and_chroma_are_those_of_ycbcr(model: Model) -> None:
    noisy = picture(40, 33, 3)
    change = denoised(model, noisy) - noisy
    for luma, chroma in itertools.product((0, 0.3, 1), repeat=2):
        found = denoised(model, noisy, luma=luma, chroma=chroma) - noisy
        expected = change @ BT601.T * (luma, chroma, chroma)
        np.testing.assert_allclose(found @ BT601.T, expected, atol=1e-5)


def test_a_strength_is_that_of_luma_and_of_chroma(model: Model) -> None:
    for noisy in (picture(40, 33, 3), samples(picture(40, 33, 3))):
        as_ever = denoised(model, noisy)
        assert (denoised(model, noisy, luma=1, chroma=1) == as_ever).all()
        half = denoised(model, noisy, strength=0.5)
        assert (denoised(model, noisy, luma=0.5, chroma=0.5) == half).all()
        assert not (half == as_ever).all()
        both = denoised(model, noisy, strength=0.5, luma=0.5)
        quarter = denoised(model, noisy, luma=0.25, chroma=0.5)
        assert (both == quarter).all()


def test_what_is_removed_from_chroma_alone_leaves_luma(model: Model) -> None:
    noisy = samples(picture(40, 33, 3))
    clean = denoised(model, noisy, luma=0)
    luma, blue, red = np.moveaxis((clean.astype(float) - noisy) @ BT601.T, -1, 0)
    assert np.abs(luma).max() <= 0.5 + 1e-6  # it is rounded
    assert min(np.abs(blue).max(), np.abs(red).max()) > 2


def test_a_gray_picture_has_luma_alone(model: Model) -> None:
    noisy = samples(picture(40, 33))
    clean = denoised(model, noisy)
    assert (denoised(model, noisy, chroma=0.1) == clean).all()
    assert (denoised(model, noisy, luma=0) == noisy).all()
    colour = np.repeat(noisy[..., None], 3, axis=-1)
    kept = denoised(model, colour, luma=0.5, chroma=0.2)
    assert (kept == denoised(model, noisy, strength=0.5)[..., None]).all()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize("name", ["strength", "luma", "chroma"])
def test_other_shares_are_refused(name: str, share: float) -> None:
    shares: dict[str, Any] = {name: share}
    with pytest.raises(InvalidValue, match=f"{name}: expected a number from 0 to 1, received"):
        Controls(**shares)


def png(pixels: Picture) -> bytes:
    Image.fromarray(pixels).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def shown(answer: httpx.Response) -> Picture:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def tensor(array: Picture) -> dict[str, Any]:
    data = array.ravel().tolist()
    return {"name": "images", "shape": list(array.shape), "datatype": "UINT8", "data": data}


INFER = "/v2/models/photo.denoise/infer"


async def test_they_are_parameters_of_denoise_and_of_open_inference(start: Start) -> None:
    client, noisy = start(default_picture="photo"), samples(picture(24, 31, 3))
    chosen = {"luma": 0.3, "chroma": 0.9, "strength": 0.8}
    found = shown(await client.post("/denoise", params=chosen, content=png(noisy)))
    body = {"inputs": [tensor(noisy[None])], "parameters": chosen | {"priority": 3}}
    answer = await client.post(INFER, json=body)
    (output,) = answer.json()["outputs"]
    np.testing.assert_allclose(np.reshape(output["data"], found.shape) * 255, found, atol=1e-3)
    plain = shown(await client.post("/denoise", content=png(noisy)))
    assert (plain != found).any()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("luma", 1.5, "luma: expected at most 1.0, received "),
        ("chroma", -1, "chroma: expected at least 0.0, received "),
        ("chroma", "much", "chroma: expected a number, received 'much'"),
    ],
)
async def test_what_is_out_of_range_is_named(
    start: Start, name: str, value: Any, fault: str
) -> None:
    client, noisy = start(), samples(picture(8, 8, 3))
    answer = await client.post(f"/denoise?model=photo&{name}={value}", content=png(noisy))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")
    assert answer.json()["detail"].startswith(fault)
    body = {"inputs": [tensor(noisy[None])], "parameters": {name: value}}
    answer = await client.post(INFER, json=body)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(fault)


async def test_a_model_of_one_size_takes_none(start: Start) -> None:
    client = start()
    thumbnail = png(np.zeros((4, 4), np.uint8))
    answer = await client.post("/denoise?model=half&luma=1", content=thumbnail)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("luma: expected none with a model of images of one")
    images = {"name": "images", "shape": [1, 4, 4], "datatype": "FP32", "data": [0.0] * 16}
    body = {"inputs": [images], "parameters": {"luma": 3}}  # ignored, as other parameters are
    assert (await client.post("/v2/models/half.denoise/infer", json=body)).status_code == 200
