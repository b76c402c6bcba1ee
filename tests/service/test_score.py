"""POST /score: how far items are from their reconstructions, and what that means."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.calibration import Calibration
from tests.service.asgi import check_problem
from tests.service.conftest import client_of
from tests.service.tiny import write_model

CALIBRATION = Calibration(
    data="20 images", items=20, mean=0.1, deviation=0.05,
    shares=(0, 0.5, 0.95, 1), scores=(0.0, 0.1, 0.19, 0.4),
)  # fmt: skip
BRIGHT = np.full((4, 4), 0.8, np.float32)
"""An image that `dim` reconstructs half as bright: its score is 0.4 * 0.4."""


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    root = tmp_path_factory.mktemp("scored")
    write_model(root, "dim", calibration=CALIBRATION)
    write_model(root, "dim", name="uncalibrated")
    write_model(root, "dim-colours")
    write_model(root, "rows")
    write_model(root, "photo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVICE_PORT", "0")
        of_photographs = {"default_denoise": "photo", "default_picture": "photo"}
        client = client_of(root, default_encode="dim", default_decode="dim", **of_photographs)
    yield client
    await client.aclose()


def as_png(pixels: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def as_npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


async def test_scores_have_a_percentile_a_z_score_and_a_threshold(
    client: httpx.AsyncClient,
) -> None:
    body = {"inputs": [BRIGHT.tolist(), (BRIGHT / 2).tolist(), np.ones((4, 4)).tolist()]}
    answer = (await client.post("/score?false_alarm_rate=0.05", json=body)).json()
    assert (answer["model"], answer["version"]) == ("dim", 1)
    assert answer["scores"] == pytest.approx([0.16, 0.04, 0.25])
    assert answer["percentiles"] == pytest.approx([80, 20, 95 + 5 * 6 / 21])
    assert answer["z_scores"] == pytest.approx([1.2, -1.2, 3.0])
    assert (answer["false_alarm_rate"], answer["threshold"]) == (0.05, pytest.approx(0.19))
    assert answer["is_anomaly"] == [False, False, True]
    assert "maps" not in answer


async def test_a_rate_that_the_calibration_cannot_tell_is_refused(
    client: httpx.AsyncClient,
) -> None:
    body = {"inputs": [BRIGHT.tolist()]}
    refused = await client.post("/score?false_alarm_rate=0.01", json=body)
    detail = check_problem(refused, 422, "invalid-value")
    assert detail == (
        "false_alarm_rate: expected at least 0.05, as the model is calibrated on 20 items, "
        "received 0.01"
    )
    assert (await client.post("/score", json=body)).json()["false_alarm_rate"] == 0.05
    for wrong in ("0", "1", "-0.1", "nan", "x"):
        answer = await client.post(f"/score?false_alarm_rate={wrong}", json=body)
        assert check_problem(answer, 422, "invalid-value").startswith("false_alarm_rate: expected")


async def test_without_a_calibration_scores_come_alone(client: httpx.AsyncClient) -> None:
    body = {"inputs": [BRIGHT.tolist()]}
    answer = (await client.post("/score?model=uncalibrated", json=body)).json()
    assert answer["scores"] == pytest.approx([0.16])
    others = ("percentiles", "z_scores", "false_alarm_rate", "threshold", "is_anomaly")
    assert [answer[name] for name in others] == [None] * 5
    refused = await client.post("/score?model=uncalibrated&false_alarm_rate=0.1", json=body)
    detail = check_problem(refused, 422, "invalid-value")
    expected = "expected none, as uncalibrated is not calibrated"
    assert detail == f"false_alarm_rate: {expected}, received 0.1"


async def test_a_map_has_the_error_of_each_pixel(client: httpx.AsyncClient) -> None:
    image = np.arange(16, dtype=np.float32).reshape(4, 4) / 16
    answer = (await client.post("/score?map=true", json={"inputs": [image.tolist()]})).json()
    np.testing.assert_allclose(answer["maps"], [np.square(image / 2)], rtol=1e-6)
    assert answer["scores"] == pytest.approx([np.mean(answer["maps"])])


async def test_the_map_of_a_colour_image_is_the_mean_over_its_colours(
    client: httpx.AsyncClient,
) -> None:
    image = np.zeros((1, 2, 3, 3), np.float32)
    image[0, 1, 2] = (0.2, 0.4, 0.6)
    path = "/score?map=true&model=dim-colours"
    answer = (await client.post(path, json={"inputs": image.tolist()})).json()
    expected = np.zeros((1, 2, 3))
    expected[0, 1, 2] = np.mean(np.square([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(answer["maps"], expected, rtol=1e-6)


async def test_a_sequence_has_the_errors_of_its_rows(client: httpx.AsyncClient) -> None:
    rows = [[[0.0] * 4, [2.0] * 4, [4.0] * 4]]
    path = "/score?map=true&model=rows"
    answer = (await client.post(path, json={"inputs": rows})).json()
    assert answer["maps"] == [[[4.0] * 4, [0.0] * 4, [4.0] * 4]]
    assert answer["scores"] == pytest.approx([8 / 3])


async def test_npy_is_answered_with_scores_or_maps_in_npy(client: httpx.AsyncClient) -> None:
    body = as_npy(np.stack([BRIGHT, BRIGHT]))
    answer = await client.post("/score", content=body)
    assert answer.headers["x-score"] == "0.16000001, 0.16000001"
    assert float(answer.headers["x-score-threshold"]) == pytest.approx(0.19)
    scores = np.load(io.BytesIO(answer.content))
    assert (scores.dtype, scores.tolist()) == (np.float32, pytest.approx([0.16, 0.16]))
    answer = await client.post("/score?map=true", content=body)
    assert np.load(io.BytesIO(answer.content)).shape == (2, 4, 4)


async def test_a_map_is_a_picture_where_the_client_prefers_one(client: httpx.AsyncClient) -> None:
    pixels = np.zeros((4, 4), np.uint8)
    pixels[1, 2], pixels[3, 3] = 200, 100
    headers = {"Accept": "image/png"}
    path = "/score?map=true"
    answer = await client.post(path, content=as_png(pixels), headers=headers)
    assert answer.headers["content-type"] == "image/png"
    heat = np.asarray(Image.open(io.BytesIO(answer.content))).astype(int).sum(axis=-1)
    assert heat.shape == (4, 4)
    assert (heat[1, 2], heat[0, 0]) == (heat.max(), 0)
    assert 0 < heat[3, 3] < heat[1, 2]
    assert float(answer.headers["x-score"]) == pytest.approx((100**2 + 50**2) / 255**2 / 16)
    black = await client.post(path, content=as_png(np.zeros((4, 4))), headers=headers)
    assert not np.asarray(Image.open(io.BytesIO(black.content))).any()


async def test_pictures_are_scored_in_json_without_a_preference(client: httpx.AsyncClient) -> None:
    answer = await client.post("/score", content=as_png(np.full((4, 4), 204)))
    assert answer.json()["scores"] == pytest.approx([0.16])
    fitted = await client.post("/score?fit=true", content=as_png(np.full((8, 8), 204)))
    assert fitted.json()["scores"] == pytest.approx([0.16])


async def test_scores_without_a_map_are_no_picture(client: httpx.AsyncClient) -> None:
    headers = {"Accept": "image/png"}
    answer = await client.post("/score", json={"inputs": [BRIGHT.tolist()]}, headers=headers)
    detail = check_problem(answer, 406, "not-acceptable")
    assert detail.endswith("received image/png; heat maps of images are pictures, with ?map=true")
    body = {"inputs": [BRIGHT.tolist()] * 2}
    answer = await client.post("/score?map=true", json=body, headers=headers)
    detail = check_problem(answer, 406, "not-acceptable")
    assert detail.endswith("a picture holds one image, not several")


async def test_a_model_that_does_not_reconstruct_gives_no_scores(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/score?model=photo", json={"inputs": [[[[0.0] * 3]]]})
    detail = check_problem(answer, 409, "operation-not-offered")
    assert detail.startswith("model: expected one that offers reconstruct (dim")


async def test_large_requests_are_scored_in_parts(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    images = np.random.default_rng(1).random((20_000, 4, 4)).astype(np.float32)
    answer = await client.post("/score", content=as_npy(images))
    scores = np.load(io.BytesIO(answer.content))
    np.testing.assert_allclose(scores, np.square(images / 2).mean(axis=(1, 2)), rtol=1e-5)
    assert "x-score" not in answer.headers
