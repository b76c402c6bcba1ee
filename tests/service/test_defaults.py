"""Requests that name no model, whichever of the models is served."""

import shutil
from pathlib import Path

import httpx
import pytest

from tests.service.asgi import check_problem
from tests.service.photograph_requests import picture
from tests.service.tiny import Start, write_model

IMAGES = {"inputs": [[[0.0] * 4] * 4]}


async def unload(client: httpx.AsyncClient, *names: str) -> None:
    for name in names:
        answer = await client.post(f"/v2/repository/models/{name}/unload")
        assert answer.status_code == 200, answer.text


@pytest.fixture
def without_photo(start: Start, models: Path) -> httpx.AsyncClient:
    shutil.rmtree(models / "photo")
    return start(default_picture=None)


@pytest.mark.parametrize("query", ["", "?fit=true"])
async def test_no_thumbnail_is_made_of_a_photograph_while_photo_is_unloaded(
    start: Start, query: str
) -> None:
    client = start(default_picture=None)
    await unload(client, "photo.denoise")
    answer = await client.post(f"/denoise{query}", content=picture(64, 48))
    assert check_problem(answer, 422, "shape-mismatch") == (
        "picture: expected 4x4 gray (L), received 48x64 RGB; no model of photographs is served: "
        "expected photo, which is unloaded: POST /v2/repository/models/photo.denoise/load loads "
        "it again"
    )


@pytest.mark.parametrize("query", ["", "?fit=true"])
async def test_no_thumbnail_is_made_of_a_photograph_where_there_is_no_photo(
    without_photo: httpx.AsyncClient, query: str
) -> None:
    answer = await without_photo.post(f"/denoise{query}", content=picture(64, 48))
    assert check_problem(answer, 422, "shape-mismatch") == (
        "picture: expected 4x4 gray (L), received 48x64 RGB; no model of photographs is served"
    )


async def test_a_model_of_one_size_stands_in_for_pictures_of_that_size(
    without_photo: httpx.AsyncClient,
) -> None:
    answer = await without_photo.post("/denoise", content=picture(4, 4, "L"))
    assert (answer.status_code, answer.headers["x-model"]) == (200, "half")


async def test_a_model_that_is_named_fits_pictures_whatever_else_is_served(
    without_photo: httpx.AsyncClient,
) -> None:
    path = "/denoise?model=half&fit=true"
    assert (await without_photo.post(path, content=picture(64, 48))).status_code == 200


async def test_the_only_model_of_photographs_is_the_default_of_pictures(
    start: Start, models: Path
) -> None:
    write_model(models, "photo", name="camera")
    client = start(default_picture=None)
    answer = await client.post("/denoise", content=picture(9, 5))
    assert answer.headers["x-model"] == "photo"
    await unload(client, "photo.denoise")
    answer = await client.post("/denoise", content=picture(9, 5))
    assert answer.headers["x-model"] == "camera"
    listed = (await client.get("/models/camera")).json()["models"][0]
    assert listed["default_for_pictures"] == ["denoise"]


async def test_one_of_several_models_of_photographs_has_to_be_named(
    start: Start, models: Path
) -> None:
    for name in ("camera", "phone"):
        write_model(models, "photo", name=name)
    client = start(default_picture=None)
    await unload(client, "photo.denoise")
    detail = check_problem(
        await client.post("/denoise", content=picture(9, 5)), 422, "shape-mismatch"
    )
    assert detail.endswith("; photographs need a model that takes any size, by name: camera, phone")


async def test_the_only_model_of_an_operation_is_its_default(start: Start) -> None:
    client = start(default_decode="mirror")
    await unload(client, "mirror.decode", "half.decode")
    others = [
        each["name"]
        for each in (await client.get("/models")).json()["models"]
        if "decode" in each["operations"]
    ]
    assert others == ["rows"]
    answer = await client.post("/decode", json={"inputs": [[0.5] * 4]})
    assert (answer.status_code, answer.headers["x-model"]) == (200, "rows")
    listed = (await client.get("/models/rows")).json()["models"][0]
    assert listed["default_for"] == ["decode", "reconstruct"]


@pytest.mark.parametrize(
    ("unloaded", "status", "code"),
    [
        (["half.denoise", "half.encode", "half.decode"], 404, "model-not-found"),
        (["half.denoise"], 409, "operation-not-offered"),
    ],
)
async def test_no_model_is_named_that_the_client_did_not_send(
    start: Start, unloaded: list[str], status: int, code: str
) -> None:
    client = start()
    await unload(client, *unloaded)
    answer = await client.post("/denoise", json=IMAGES)
    assert check_problem(answer, status, code) == (
        "model: expected one that offers denoise (colours, photo), received none, and the "
        "default of denoise is not served"
    )


async def test_where_nothing_offers_an_operation_the_error_says_so(start: Start) -> None:
    client = start()
    await unload(client, "mirror.decode", "half.decode", "rows.decode")
    answer = await client.post("/decode", json={"inputs": [[0.5] * 4]})
    assert "expected one that offers decode (none does), received none" in answer.json()["detail"]
