"""Jobs: requests that are stored, run later, and give the very response of their operation."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.service.asgi import check_problem, lifespan
from tests.service.conftest import client_of
from tests.service.job_requests import ARRAY, archive, contents, create, finished, picture
from tests.service.tiny import FURTHER, TINY, write_model


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one service with jobs for all tests that only send requests."""
    folder = tmp_path_factory.mktemp("jobs")
    for name in (*TINY, *FURTHER):
        write_model(folder / "models", name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVICE_PORT", "0")
        client = client_of(folder / "models", jobs_dir=str(folder / "jobs"))
    async with lifespan(client):
        yield client
    await client.aclose()


FILE = {"file": ("a.png", picture((4, 4)), "image/png")}
TIMES = "created", "started", "finished", "expires"
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("encode", "model=mirror", {"json": ARRAY}),
    ("decode", "model=rows&steps=5", {"json": {"inputs": [[1.0, 0.5, 0.25, 0.0]]}}),
    ("denoise", "", {"json": ARRAY}),
    (
        "denoise",
        "model=photo&sigma=20",
        {"content": picture(), "headers": {"Accept": "image/webp"}},
    ),
    (
        "denoise",
        "model=photo",
        {
            "content": archive(picture(), picture((24, 40)), b"text"),
            "headers": {"Content-Type": "application/zip"},
        },
    ),
    ("denoise", "model=colours", {"files": [("file", FILE["file"]), ("file", FILE["file"])]}),
    ("estimate", "model=informed", {"content": picture()}),
]


@pytest.mark.parametrize(("operation", "query", "body"), REQUESTS)
async def test_a_job_gives_the_response_of_its_operation(
    client: httpx.AsyncClient, operation: str, query: str, body: dict[str, Any]
) -> None:
    direct = await client.post(f"/{operation}?{query}", **body)
    assert direct.status_code == 200
    headers = {**body.get("headers", {}), "X-Request-Id": "mine"}
    created = await client.post(
        f"/jobs?operation={operation}&{query}", **(body | {"headers": headers})
    )
    assert created.status_code == 202
    document = created.json()
    assert created.headers["location"] == f"/jobs/{document['id']}"
    assert created.headers["x-request-id"] == "mine"
    assert document["state"] == "queued"
    assert document["result"] is document["error"] is document["expires"] is None
    document = await finished(client, created.headers["location"])
    assert document["state"] == "succeeded"
    assert document["operation"] == operation
    assert document["progress"]["share"] == 1
    assert document["created"] <= document["started"] <= document["finished"]
    assert all(len(document[each]) == len("2026-01-01T00:00:00.000Z") for each in TIMES)
    assert document["finished"] < document["expires"]
    result = await client.get(document["result"]["href"])
    assert result.status_code == 200
    if direct.headers["content-type"] == "application/zip":
        assert contents(result.content) == contents(direct.content)
    else:
        assert result.content == direct.content
    assert document["result"]["bytes"] == len(result.content)
    assert document["result"]["media_type"] == result.headers["content-type"]
    assert result.headers["x-request-id"] == "mine"
    assert result.headers["content-length"] == str(len(result.content))
    for name in ("content-type", "x-model", "x-model-version", "x-noise-sigma"):
        assert result.headers.get(name) == direct.headers.get(name)


@pytest.mark.parametrize(
    ("operation", "query", "body"),
    [
        ("denoise", "", {"content": b""}),
        ("denoise", "model=nobody", {"json": ARRAY}),
        ("denoise", "model=mirror", {"json": ARRAY}),
        ("denoise", "sigma=1000", {"content": picture()}),
        ("denoise", "mode=photo", {"content": picture()}),
        ("decode", "", {"content": picture()}),
        ("encode", "", {"content": b"text", "headers": {"Content-Type": "text/plain"}}),
        ("encode", "", {"content": b"x", "headers": {"Content-Encoding": "br"}}),
        ("encode", "", {"content": b"x", "headers": {"Content-Length": "999999999999"}}),
    ],
)
async def test_what_an_operation_refuses_by_its_head_is_refused_at_once(
    client: httpx.AsyncClient, operation: str, query: str, body: dict[str, Any]
) -> None:
    direct = await client.post(f"/{operation}?{query}", **body)
    refused = await client.post(f"/jobs?operation={operation}&{query}", **body)
    assert refused.status_code == direct.status_code >= 400
    assert refused.json() == direct.json()


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("operation=paint", 422, "invalid-value"),
        ("operation=", 422, "invalid-value"),
        ("operation=encode&operation=encode", 422, "invalid-value"),
        ("callback=ftp://a/", 422, "invalid-value"),
        ("callback=http://u:p@a/", 422, "invalid-value"),
        ("callback=http://a:99999/", 422, "invalid-value"),
        ("callback=http://169.254.169.254/", 403, "callback-forbidden"),
        ("&".join(f"a{number}=1" for number in range(99)), 422, "invalid-value"),
    ],
)
async def test_bad_parameters_of_jobs_are_refused(
    client: httpx.AsyncClient, query: str, status: int, code: str
) -> None:
    check_problem(await client.post(f"/jobs?{query}", json=ARRAY), status, code)


async def test_a_job_that_fails_has_the_problem_of_its_operation(client: httpx.AsyncClient) -> None:
    body = {"content": picture()[:-40], "headers": {"Content-Type": "image/png"}}
    direct = await client.post("/denoise?model=photo", **body)  # type: ignore[arg-type]
    path = await create(client, "model=photo", **body)
    document = await finished(client, path)
    assert document["state"] == "failed"
    assert document["error"] == direct.json()
    result = await client.get(f"{path}/result")
    check_problem(result, direct.status_code, "malformed-body")
    assert result.json() == direct.json()
    assert result.headers["x-model"] == "photo"


@pytest.mark.parametrize("path", ["/jobs/x", f"/jobs/{'0' * 32}", "/jobs/..%2f..%2fetc"])
async def test_an_unknown_job_is_a_404(client: httpx.AsyncClient, path: str) -> None:
    check_problem(await client.get(path), 404, "job-not-found" if "%" not in path else "not-found")
    if "%" not in path:
        for further in ("result", "events"):
            check_problem(await client.get(f"{path}/{further}"), 404, "job-not-found")
        check_problem(await client.delete(path), 404, "job-not-found")


async def test_a_job_is_forgotten_once_it_is_deleted(client: httpx.AsyncClient) -> None:
    path = await create(client)
    await finished(client, path)
    assert (await client.delete(path)).status_code == 204
    check_problem(await client.get(path), 404, "job-not-found")
    check_problem(await client.get(f"{path}/result"), 404, "job-not-found")


async def test_a_service_without_a_folder_has_no_jobs(shared_client: httpx.AsyncClient) -> None:
    # A status that no client retries: it will be the same until the settings change.
    detail = check_problem(await shared_client.post("/jobs", json=ARRAY), 501, "jobs-off")
    assert "SERVICE_JOBS_DIR" in detail
    path = f"/jobs/{'0' * 32}"
    for answer in (await shared_client.get(path), await shared_client.delete(path)):
        check_problem(answer, 501, "jobs-off")


async def test_a_path_of_several_methods_names_all_of_them(client: httpx.AsyncClient) -> None:
    answer = await client.put("/jobs/1")
    assert answer.headers["Allow"] == "DELETE, GET"
    assert "expected DELETE, GET, received PUT" in check_problem(answer, 405, "method-not-allowed")
