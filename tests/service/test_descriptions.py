"""/models, /health, the documentation and the playground."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from service.access.identity import SCOPES
from service.api import openapi_route
from service.api.openapi_route import render_once
from service.images.formats import READ, written
from tests.service.asgi import lifespan
from tests.service.indexed import write_index
from tests.service.keys import made
from tests.service.tiny import Start, write_model


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


async def test_models_are_listed_with_their_manifests(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/models")).json()["models"]
    assert [(each["name"], each["version"]) for each in listed] == [
        ("colours", 1),
        ("half", 2),
        ("half", 1),
        ("mirror", 1),
        ("photo", 1),
        ("rows", 1),
    ]
    newest = listed[1]
    assert newest["state"] == "ready"
    assert newest["execution_provider"] == "CPUExecutionProvider"
    assert newest["default_for"] == ["denoise"]
    assert newest["manifest"]["operations"]["denoise"]["input"]["shape"] == ["batch", 4, 4]
    assert listed[2]["default_for"] == []
    assert newest["default_for_pictures"] == ["denoise"]
    assert listed[4]["default_for_pictures"] == []


async def test_a_model_is_shown_in_all_its_versions(client: httpx.AsyncClient) -> None:
    shown = (await client.get("/models/half")).json()["models"]
    assert [each["version"] for each in shown] == [2, 1]
    assert (await client.get("/models/nothing")).status_code == 404


async def test_a_model_says_how_large_it_is(client: httpx.AsyncClient, tiny_models: Path) -> None:
    [newest, _] = (await client.get("/models/half")).json()["models"]
    files = (tiny_models / "half" / "2").iterdir()
    assert newest["size"] == sum(file.stat().st_size for file in files)


async def test_the_card_of_a_model_is_told(start: Start, models: Path) -> None:
    (models / "half" / "1" / "README.md").write_text("# half, version 1, for schöne pictures\n")
    client = start()
    card = await client.get("/models/half/1/card")
    assert card.headers["content-type"] == "text/markdown; charset=utf-8"
    assert card.text == "# half, version 1, for schöne pictures\n"
    for path in ("/models/half/2/card", "/models/half/one/card", "/models/nothing/1/card"):
        answer = await client.get(path)
        assert answer.json()["code"] == "model-not-found"
    assert "half with a card (1)" in (await client.get("/models/half/2/card")).json()["detail"]


async def test_the_service_is_live_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).json() == {"status": "live"}
    assert (await client.get("/health/ready")).json() == {"status": "ready"}


@pytest.mark.parametrize(
    "path", ["/health/live", "/health/ready", "/metrics", "/models", "/models/half", "/", "/v2"]
)
async def test_head_is_answered_as_get_is(client: httpx.AsyncClient, path: str) -> None:
    answer, full = await client.head(path), await client.get(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == full.headers["content-type"]
    assert answer.headers["X-Request-Id"]


async def test_openapi_says_what_the_service_does(client: httpx.AsyncClient) -> None:
    info = (await client.get("/openapi.json")).json()["info"]
    assert info["summary"].startswith("Removes noise from photographs of any size")


async def test_openapi_is_rendered_once_and_sent_to_those_who_do_not_have_it(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again = await asyncio.gather(*(client.get("/openapi.json") for _ in range(2)))
    assert first.content == again.content
    monkeypatch.setattr(openapi_route, "_Rendered", None)  # nothing is rendered any more
    etag = first.headers["etag"]
    for sent in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        known = await client.get("/openapi.json", headers={"If-None-Match": sent})
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["etag"] == etag
    other = await client.get("/openapi.json", headers={"If-None-Match": '"x"'})
    assert (other.status_code, other.content) == (200, first.content)


async def test_openapi_names_the_path_under_which_an_application_is_mounted() -> None:
    app = FastAPI()
    render_once(app)
    documents = []
    for root_path in ("/within", ""):
        transport = httpx.ASGITransport(app, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as inside:
            documents.append((await inside.get(f"{root_path}/openapi.json")).json())
    assert documents[0].pop("servers") == [{"url": "/within"}]
    assert documents[0] == documents[1]


async def test_an_unknown_path_lists_those_that_answer(client: httpx.AsyncClient) -> None:
    detail = (await client.get("/nothing")).json()["detail"]
    listed = detail.removeprefix("path: expected one of ").partition(", received")[0].split(", ")
    assert {"/", "/docs", "/openapi.json", "/v2", "/encode", "/models"} <= set(listed)
    assert len(listed) == len(set(listed))
    for path in listed:
        url = path.replace("{name}", "half").replace("{version}", "1")
        status = (await client.get(url)).status_code
        if "/jobs" in path or path.endswith("/card"):
            # jobs are off, and there is no card
            assert status == (501 if "/jobs" in path else 404)
        else:
            assert status in (200, 405)


async def test_head_is_refused_where_get_is(client: httpx.AsyncClient) -> None:
    assert (await client.head("/nothing")).status_code == 404
    assert (await client.head("/encode")).headers["Allow"] == "POST"


async def test_openapi_shows_every_body_that_is_read_and_written(
    client: httpx.AsyncClient,
) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert {"/encode", "/decode", "/denoise", "/models", "/health/ready"} <= set(paths)
    denoise = paths["/denoise"]["post"]
    read = set(denoise["requestBody"]["content"])
    assert read == {
        "application/json",
        "application/x-npy",
        *READ,
        "multipart/form-data",
        "application/zip",
        "text/csv",
        "application/vnd.apache.parquet",
    }
    answers = {"application/json", "application/x-npy", "application/zip", *written()}
    assert set(denoise["responses"]["200"]["content"]) == answers | {"multipart/mixed"}
    form = denoise["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert {"file", "model", "sigma", "region", "quality"} <= set(form)
    assert "image/png" not in paths["/decode"]["post"]["requestBody"]["content"]
    for status in ("409", "429", "503"):
        assert "application/problem+json" in denoise["responses"][status]["content"]
    unknown = paths["/models/{name}"]["get"]["responses"]["404"]
    assert "application/problem+json" in unknown["content"]


async def test_every_path_is_shown_with_what_it_does(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    shown = {path: each["summary"] for path, methods in paths.items() for each in methods.values()}
    assert shown["/decode"] == "Codings to reconstructions, the images that they stand for"
    assert shown["/models/{name}"] == "Every version of one model"
    assert not {"Encode", "Server", "Infer"} & set(shown.values())  # as functions are called


async def test_the_documentation_needs_no_other_host(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assert "https://" not in page
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert "static-offline-docs/swagger-ui-bundle.js" in files
    for file in files:
        assert (await client.get(f"/{file}")).status_code == 200


async def test_the_playground_is_served(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    files = re.findall(r'(?:src|href)="(playground/[^"]+)"', page.text)
    assert "playground/main.js" in files
    for file in files:
        assert (await client.get(f"/{file}")).status_code == 200


JOB = {"inputs": [[[0.0] * 4] * 4]}


async def _described(client: httpx.AsyncClient) -> dict[str, dict[str, dict[str, Any]]]:
    paths: dict[str, dict[str, dict[str, Any]]] = (await client.get("/openapi.json")).json()[
        "paths"
    ]
    return paths


async def test_every_example_works(start: Start, models: Path, tmp_path: Path) -> None:
    write_model(models, "informed")
    write_index(models / "mirror" / "1", np.eye(2, 16), [("0", None), ("1", None)])
    (models / "half" / "2" / "README.md").write_text("# half\n")
    key = made("all", *SCOPES)  # without one, jobs are not listed
    jobs = str(tmp_path / "jobs")
    client = start(default_picture="informed", jobs_dir=jobs, api_keys=key.line)
    client.headers.update(key.bearer)
    async with lifespan(client):
        tried = await _try_all(client)
    runs = {"/encode", "/decode", "/denoise", "/estimate", "/neighbours", "/jobs"}
    runs.add("/v2/models/{model}/infer")
    assert runs <= tried


async def _try_all(client: httpx.AsyncClient) -> set[str]:
    tried, job = set(), ""
    for path, methods in (await _described(client)).items():
        if path == "/score/stream":  # of a model that each request names
            continue
        for method, described in methods.items():
            url = path
            for parameter in described.get("parameters", []):
                if parameter["in"] == "path" and not path.startswith("/jobs/"):
                    url = url.replace("{" + parameter["name"] + "}", parameter["example"])
            body = described.get("requestBody", {}).get("content", {}).get("application/json")
            sent = {"json": body["example"]} if body else {}
            if path.startswith("/jobs/"):
                url = path.replace("{id}", job)
                await client.get(f"/jobs/{job}/events")  # until its end
            answer = await client.request(method, url, **sent)
            assert answer.status_code in (200, 202, 204), (url, answer.text)
            if path == "/jobs" or method == "delete":
                job = (await client.post("/jobs", json=JOB)).json()["id"]
            assert str(answer.status_code) in described["responses"]
            tried.add(path)
            if path.endswith("/unload"):
                await client.post(url.replace("unload", "load"))
    return tried


async def test_examples_suit_whatever_is_served(start: Start, models: Path) -> None:
    write_model(models, "photo", 2)
    client = start(default_denoise="photo")
    example = (await _described(client))["/denoise"]["post"]["requestBody"]["content"]
    answer = await client.post("/denoise", json=example["application/json"]["example"])
    assert (answer.status_code, answer.headers["X-Model"]) == (200, "photo")


async def test_an_operation_that_no_model_offers_says_so(
    client: httpx.AsyncClient, start: Start, models: Path
) -> None:
    assert "409" in (await _described(client))["/estimate"]["post"]["description"]
    write_model(models, "informed")
    offered = await _described(start(default_picture="informed"))
    assert "description" not in offered["/estimate"]["post"]


async def test_openapi_has_no_errors_that_never_come(client: httpx.AsyncClient) -> None:
    text = (await client.get("/openapi.json")).text
    assert "ValidationError" not in text
    name = (await client.get("/openapi.json")).json()["paths"]["/models/{name}"]["get"]
    assert set(name["responses"]) == {"200", "404"}


async def test_headers_that_are_sent_are_described(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    described = {each.lower() for each in document["components"]["headers"]}
    for path, sent in (
        ("/denoise", {"inputs": [[[0.0] * 4] * 4]}),
        ("/denoise", {"inputs": [[[0.0] * 4]]}),
        (
            "/v2/models/{model}/infer",
            {
                "inputs": [
                    {"name": "images", "shape": [1, 4, 4], "datatype": "FP32", "data": [0.0] * 16}
                ],
                "parameters": {"binary_data_output": True},
            },
        ),
    ):
        answer = await client.post(path.replace("{model}", "half.denoise"), json=sent)
        response = document["paths"][path]["post"]["responses"][str(answer.status_code)]
        names = {name.lower() for name in response["headers"]}
        assert set(answer.headers) - {"content-type", "content-length"} <= names
        assert names <= described
    refused = document["paths"]["/encode"]["post"]["responses"]["429"]["headers"]
    assert "Retry-After" in refused
    late = document["paths"]["/encode"]["post"]["responses"]["503"]["headers"]
    assert "Retry-After" in late


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/repository/index", None),
        ("/v2/repository/index", {}),
        ("/v2/models/half.denoise/infer", {"parameters": {"binary_data_output": None}}),
        ("/v2/models/half.denoise/infer", {"parameters": None, "outputs": None, "id": None}),
        (
            "/v2/models/half.denoise/infer",
            {"outputs": [{"name": "reconstructions", "parameters": {"binary_data": None}}]},
        ),
        (
            "/v2/models/half.denoise/infer",
            {"outputs": [{"name": "reconstructions", "parameters": {"classification": None}}]},
        ),
        ("/v2/models/half.denoise/infer", {"shape": [1.0, 4.0, 4.0]}),
    ],
)
async def test_what_the_schema_allows_is_not_refused(
    client: httpx.AsyncClient, path: str, body: Any
) -> None:
    if path.endswith("/infer"):
        tensor = {"name": "images", "datatype": "FP32", "data": [0.0] * 16}
        shape = body.pop("shape", [1, 4, 4])
        body = {"inputs": [tensor | {"shape": shape}]} | body
    answer = await client.post(path, content=json.dumps(body))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("outputs", [{}, "", 0, False])
async def test_outputs_that_are_no_list_are_refused(
    client: httpx.AsyncClient, outputs: object
) -> None:
    tensor = {"name": "images", "shape": [1, 4, 4], "datatype": "FP32", "data": [0.0] * 16}
    body = {"inputs": [tensor], "outputs": outputs}
    answer = await client.post("/v2/models/half.denoise/infer", json=body)
    assert answer.status_code == 422
    assert "outputs: expected a list of objects" in answer.json()["error"]


async def test_links_lead_from_responses_to_paths_that_are_described(
    client: httpx.AsyncClient,
) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    links = [
        link
        for methods in paths.values()
        for operation in methods.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) == 10
    for link in links:
        _, pointer, method = link["operationRef"].rsplit("/", 2)
        path = pointer.replace("~1", "/")
        named = {each["name"] for each in paths[path][method]["parameters"]}
        assert link["parameters"].keys() == named


async def test_data_that_is_null_may_stand_beside_bytes(client: httpx.AsyncClient) -> None:
    tensor = {"name": "images", "shape": [1, 4, 4], "datatype": "FP32", "data": None}
    head = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": 64}}]}).encode()
    answer = await client.post(
        "/v2/models/half.denoise/infer",
        content=head + bytes(64),
        headers={"Inference-Header-Content-Length": str(len(head))},
    )
    assert answer.status_code == 200, answer.text
