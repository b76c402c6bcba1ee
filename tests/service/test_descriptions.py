"""/models, /health, the documentation and the playground."""

import httpx
import pytest


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
        "image/png",
        "image/jpeg",
        "image/webp",
        "multipart/form-data",
    }
    assert set(denoise["responses"]["200"]["content"]) == read - {"multipart/form-data"}
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
    assert "/static-offline-docs/swagger-ui-bundle.js" in page
    assert (await client.get("/static-offline-docs/swagger-ui-bundle.js")).status_code == 200


async def test_the_playground_is_served(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for file in ("playground.js", "photographs.js", "playground.css"):
        assert f"playground/{file}" in page.text
        assert (await client.get(f"/playground/{file}")).status_code == 200
