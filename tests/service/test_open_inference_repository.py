"""The Open Inference Protocol's repository: which models there are, loading and unloading."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.asgi import check_problem
from tests.service.gate import Gate
from tests.service.open_inference_requests import DENOISE, check_error, images
from tests.service.tiny import Start, write_model

MODEL = "/v2/repository/models/half.denoise"


async def index(client: httpx.AsyncClient, **request: Any) -> dict[tuple[str, str], Any]:
    answer = await client.post("/v2/repository/index", json=request)
    assert answer.status_code == 200
    listed = {(each.pop("name"), each.pop("version")): each for each in answer.json()}
    assert len(listed) == len(answer.json())
    return listed


async def test_every_operation_of_every_version_is_listed(client: httpx.AsyncClient) -> None:
    listed = await index(client)
    assert {name for name, version in listed} >= {"half.encode", "half.denoise", "rows.decode"}
    for version in ("1", "2"):
        assert listed["half.denoise", version] == {"state": "READY", "reason": ""}


async def test_a_request_may_have_no_body(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v2/repository/index")).status_code == 200
    assert (await client.post(f"{MODEL}/unload")).status_code == 200
    answer = await client.post(f"{MODEL}/load")
    assert (answer.status_code, answer.json()) == (200, {})


async def test_a_model_that_is_unloaded_answers_no_more_until_it_is_loaded_again(
    client: httpx.AsyncClient,
) -> None:
    request = {"parameters": {"unload_dependents": False}}
    assert (await client.post(f"{MODEL}/unload", json=request)).status_code == 200
    unloaded = {"state": "UNAVAILABLE", "reason": "unloaded"}
    assert (await index(client))["half.denoise", "2"] == unloaded
    ready = await index(client, ready=True)
    assert ("half.denoise", "2") not in ready
    assert ("half.encode", "2") in ready
    for answer in (
        await client.get("/v2/models/half.denoise"),
        await client.get("/v2/models/half.denoise/ready"),
        await client.get("/v2/models/half.denoise/versions/1/config"),
        await client.post(DENOISE, json={"inputs": [images()]}),
    ):
        assert "received 'half.denoise', which is not ready: unloaded" in check_error(answer, 404)
    assert (await client.get("/v2/models/half.encode/ready")).status_code == 200
    answer = await client.post("/denoise?model=half", json={"inputs": [[[0] * 4] * 4]})
    detail = check_problem(answer, 409, "operation-not-offered")
    assert f"received half, which is unloaded: POST {MODEL}/load loads it again" in detail
    assert (await client.post(f"{MODEL}/load", json={})).status_code == 200
    assert (await client.post(DENOISE, json={"inputs": [images()]})).status_code == 200


async def test_loading_finds_a_new_version(client: httpx.AsyncClient, models: Path) -> None:
    write_model(models, "half", 3)
    assert (await client.post(f"{MODEL}/load")).status_code == 200
    assert (await client.get("/v2/models/half.denoise")).json()["versions"] == ["1", "2", "3"]


async def test_a_broken_version_is_an_error_that_leaves_the_good_one(
    client: httpx.AsyncClient, models: Path
) -> None:
    broken = write_model(models, "half", 3)
    (broken / "denoise.onnx").write_bytes(b"no graph")
    error = check_error(await client.post(f"{MODEL}/load"), 500)
    assert "expected SHA-256" in error
    entry = (await index(client))["half.denoise", "3"]
    assert (entry["state"], entry["reason"]) == ("UNAVAILABLE", error)
    answer = await client.post(DENOISE, json={"inputs": [images()]})
    assert answer.json()["model_version"] == "2"


async def test_a_version_without_a_manifest_that_can_be_read_is_listed_by_its_model(
    client: httpx.AsyncClient, models: Path
) -> None:
    broken = models / "new" / "1"
    broken.mkdir(parents=True)
    (broken / "manifest.json").write_text("{}")
    answer = await client.post("/v2/repository/models/new.encode/load")
    assert "manifest.json: schema_version: expected a value" in check_error(answer, 500)
    assert (await index(client))["new", "1"]["state"] == "UNAVAILABLE"


async def test_a_version_is_unloaded_though_its_folder_is_broken_by_now(
    client: httpx.AsyncClient, models: Path
) -> None:
    for version in ("1", "2"):
        (models / "half" / version / "encode.onnx").write_bytes(b"no graph")
    assert (await client.post(f"{MODEL}/unload")).status_code == 200
    assert (await client.get("/v2/models/half.denoise/ready")).status_code == 404
    assert (await client.get("/v2/models/half.decode/ready")).status_code == 200
    assert "expected SHA-256" in check_error(await client.post(f"{MODEL}/load"), 500)


async def test_a_service_that_is_set_to_load_and_unload_nothing_says_so(start: Start) -> None:
    client = start(repository_control=False)
    for control in ("unload", "load"):
        error = check_error(await client.post(f"{MODEL}/{control}"), 403)
        assert "SERVICE_REPOSITORY_CONTROL=false" in error
    assert (await index(client))["half.denoise", "2"]["state"] == "READY"
    assert (await client.post(DENOISE, json={"inputs": [images()]})).status_code == 200


@pytest.mark.parametrize(
    ("host", "control", "allowed"),
    [
        ("127.0.0.1", "auto", True),
        ("127.9.9.9", "auto", True),
        ("::1", "auto", True),
        ("localhost", "auto", True),
        ("0.0.0.0", "auto", False),
        ("::", "auto", False),
        ("192.168.0.9", "auto", False),
        ("example.org", "auto", False),
        ("0.0.0.0", "true", True),
        ("127.0.0.1", "false", False),
    ],
)
async def test_models_are_unloaded_by_clients_of_this_machine_alone_unless_it_is_set(
    start: Start, host: str, control: str, allowed: bool
) -> None:
    client = start(host=host, repository_control=control)
    for each in ("unload", "load"):
        answer = await client.post(f"{MODEL}/{each}")
        if allowed:
            assert answer.status_code == 200
        else:
            assert "SERVICE_REPOSITORY_CONTROL" in check_error(answer, 403)


CROSS = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://service:3000"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://service"},
    {"Origin": "https://example.org"},
    {"Origin": "null"},
    {"Origin": "null", "Host": ""},
    {"Origin": "http://service:8001"},
    {"Origin": "http://service.example.org"},
]


async def test_no_state_is_changed_for_a_page_of_another_origin(client: httpx.AsyncClient) -> None:
    reading = {"/encode", "/decode", "/denoise", "/estimate", "/reconstruct"}
    reading |= {"/score", "/score/stream", "/neighbours", "/v2/repository/index"}
    changing = []
    for path, methods in (await client.get("/openapi.json")).json()["paths"].items():
        if path in reading or path.endswith("/infer"):
            continue
        url = path.format(model="half.denoise", id="0", name="half", version=2)
        for method in sorted(set(methods) - {"get"}):
            changing.append(f"{method} {path}")
            for headers in CROSS:
                answer = await client.request(method, url, headers=headers)
                assert answer.status_code == 403, answer.text
                assert "received " in answer.text
    assert changing == [
        "post /jobs",
        "delete /jobs/{id}",
        "post /v2/repository/models/{model}/load",
        "post /v2/repository/models/{model}/unload",
    ]
    assert (await index(client))["half.denoise", "2"]["state"] == "READY"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://service"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://service"},
        {"Origin": "https://SERVICE"},
        {},
    ],
)
async def test_the_services_own_pages_and_other_programs_unload_models(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await client.post(f"{MODEL}/unload", headers=headers)).status_code == 200
    assert (await client.post(f"{MODEL}/load", headers=headers)).status_code == 200


@pytest.mark.parametrize("control", ["load", "unload"])
@pytest.mark.parametrize("name", ["x.denoise", "half", "half.paint", "..encode", "a%00.encode"])
async def test_an_unknown_model_is_neither_loaded_nor_unloaded(
    client: httpx.AsyncClient, name: str, control: str
) -> None:
    answer = await client.post(f"/v2/repository/models/{name}/{control}")
    assert "model: expected one of " in check_error(answer, 404)


@pytest.mark.parametrize(
    ("path", "body", "status", "expected"),
    [
        ("index", "{", 400, "body: expected JSON"),
        ("index", "[]", 422, "body: expected an object, received []"),
        ("index", '{"ready": 1}', 422, "ready: expected true or false, received 1"),
        ("models/half.denoise/load", '{"parameters": {"config": "{}"}}', 422, "expected none"),
        ("models/half.denoise/load", " " * 70_000, 413, "expected at most 65536 bytes, received"),
    ],
)
async def test_a_request_that_cannot_be_followed_is_explained(
    client: httpx.AsyncClient, path: str, body: str, status: int, expected: str
) -> None:
    answer = await client.post(f"/v2/repository/{path}", content=body)
    assert expected in check_error(answer, status)


async def test_a_full_queue_keeps_no_operator_out(start: Start, gate: Gate) -> None:
    client = start(max_queue_items=1)
    gate.close()
    running = asyncio.create_task(client.post(DENOISE, json={"inputs": [images()]}))
    await gate.reached()
    assert await index(client)
    gate.open()
    assert (await running).status_code == 200
