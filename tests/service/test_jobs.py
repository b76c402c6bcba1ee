"""Jobs: requests that are stored, run later, and give the very response of their operation."""

import asyncio
import io
import os
import resource
import time
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.app import create_app
from service.errors import StartupError
from service.jobs import keeper
from service.settings import Settings
from tests.service.asgi import check_problem, lifespan
from tests.service.conftest import _client_of
from tests.service.gate import Gate
from tests.service.tiny import FURTHER, TINY, Start, write_model

JSON = "application/json"
ARRAY = {"inputs": [[[0.5] * 4] * 4]}
UNFINISHED = ("queued", "running")


def archive(*files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for index, file in enumerate(files):
            archive.writestr(zipfile.ZipInfo(f"{index}.png"), file)
    return packed.getvalue()


def contents(packed: bytes) -> dict[str, bytes]:
    """The entries of a zip by name, without the times of day that it tells."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {each.filename: archive.read(each) for each in archive.infolist()}


def picture(size: tuple[int, int] = (40, 24), **options: Any) -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG", **options)
    return file.getvalue()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def finished(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """The document of a job once it has finished."""
    async with asyncio.timeout(20):
        while True:
            document = (await client.get(path)).json()
            if document.get("state") not in UNFINISHED:
                return dict(document)
            await asyncio.sleep(0.02)


async def create(client: httpx.AsyncClient, query: str = "", **body: Any) -> str:
    """The path of a new job."""
    answer = await client.post(f"/jobs?{query}", **(body or {"json": ARRAY}))
    assert answer.status_code == 202, answer.text
    return str(answer.headers["location"])


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one service with jobs for all tests that only send requests."""
    folder = tmp_path_factory.mktemp("jobs")
    for name in (*TINY, *FURTHER):
        write_model(folder / "models", name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVICE_PORT", "0")
        client = _client_of(folder / "models", jobs_dir=str(folder / "jobs"))
    async with lifespan(client):
        yield client
    await client.aclose()


FILE = {"file": ("a.png", picture((4, 4)), "image/png")}
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


async def test_jobs_that_wait_and_run_are_cancelled(
    start: Start, gate: Gate, tmp_path: Path
) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(client):
        gate.close()
        running, queued = await create(client), await create(client)
        await gate.reached()
        check_problem(await client.get(f"{running}/result"), 409, "job-not-finished")
        assert (await client.get(running)).json()["state"] == "running"
        assert (await client.get(queued)).json()["state"] == "queued"
        for path in (queued, running):
            assert (await client.delete(path)).status_code == 204
            document = (await client.get(path)).json()
            assert document["state"] == "cancelled"
            check_problem(await client.get(f"{path}/result"), 409, "job-cancelled")
        last = await create(client)
        gate.open()
        assert (await finished(client, last))["state"] == "succeeded"
        assert gate.batches == [1, 1]  # of the job that ran, and of the last
    assert not list((tmp_path / "jobs").glob("*.body"))


async def test_a_job_that_runs_at_the_stop_runs_again_after_the_start(
    start: Start, gate: Gate, tmp_path: Path
) -> None:
    folder = str(tmp_path / "jobs")
    first = start(jobs_dir=folder)
    async with lifespan(first):
        gate.close()
        paths = [await create(first) for _ in range(3)]
        await gate.reached()
        assert (await first.get(paths[0])).json()["state"] == "running"
    gate.open()
    second = start(jobs_dir=folder)
    assert (await second.get(paths[0])).json()["state"] == "queued"
    async with lifespan(second):
        for path in paths:
            assert (await finished(second, path))["state"] == "succeeded"


async def test_events_tell_of_a_job_until_its_end(start: Start, gate: Gate, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(client):
        gate.close()
        path = await create(client)
        await gate.reached()
        stream = asyncio.create_task(client.get(f"{path}/events"))
        await asyncio.sleep(0.1)
        gate.open()
        answer = await stream
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [event.split("\n") for event in answer.text.strip().split("\n\n")]
        assert [event[0] for event in events] == ["event: progress", "event: end"]
        assert '"state":"running"' in events[0][1]
        assert events[-1][1] == f"data: {(await client.get(path)).text}"
        again = await client.get(f"{path}/events")
        assert again.text.startswith("event: end\n")


async def test_jobs_are_bounded_in_number_and_in_bytes(start: Start, tmp_path: Path) -> None:
    few = start(jobs_dir=str(tmp_path / "few"), jobs_max=2)
    async with lifespan(few):
        first, _ = await create(few), await create(few)
        detail = check_problem(await few.post("/jobs", json=ARRAY), 429, "overloaded")
        assert "SERVICE_JOBS_MAX" in detail
        await finished(few, first)
        await few.delete(first)
        await create(few)
    body = picture((200, 200), compress_level=0)
    small = start(jobs_dir=str(tmp_path / "small"), jobs_max_bytes=len(body) + 100)
    async with lifespan(small):
        path = await create(small, "model=photo", content=body, headers={"Accept": JSON})
        check_problem(await small.post("/jobs", content=body), 429, "overloaded")
        document = await finished(small, path)
        assert document["error"]["code"] == "insufficient-storage"
        check_problem(await small.get(f"{path}/result"), 507, "insufficient-storage")
        assert not list((tmp_path / "small").glob("*.part"))


async def test_a_full_disk_is_a_507_and_leaves_nothing(start: Start, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        refused = await client.post("/jobs", content=picture((200, 200), compress_level=0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    check_problem(refused, 507, "insufficient-storage")
    assert not [path for path in (tmp_path / "jobs").iterdir() if "jobs." not in path.name]


async def test_finished_jobs_and_the_files_of_lost_ones_are_removed(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "SWEEP_SECONDS", 0.05)
    folder = tmp_path / "jobs"
    client = start(jobs_dir=str(folder), jobs_keep_seconds=0.2)
    async with lifespan(client):
        orphan = folder / f"{'1' * 32}.body.0a1b2c3d.part"
        orphan.touch()
        os.utime(orphan, (0, 0))
        path = await create(client)
        assert (await finished(client, path))["state"] == "succeeded"
        await asyncio.sleep(0.5)
        check_problem(await client.get(path), 404, "job-not-found")
        metrics = (await client.get("/metrics")).text
        assert 'autoencoder_jobs{state="succeeded"} 0.0' in metrics
    assert not [path for path in folder.iterdir() if "jobs." not in path.name]


async def test_a_service_without_a_folder_has_no_jobs(shared_client: httpx.AsyncClient) -> None:
    # A status that no client retries: it will be the same until the settings change.
    detail = check_problem(await shared_client.post("/jobs", json=ARRAY), 501, "jobs-off")
    assert "SERVICE_JOBS_DIR" in detail
    path = f"/jobs/{'0' * 32}"
    for answer in (await shared_client.get(path), await shared_client.delete(path)):
        check_problem(answer, 501, "jobs-off")


def test_a_folder_that_cannot_be_created_stops_the_start(tiny_models: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(models=tiny_models, device="cpu", jobs_dir=str(tmp_path / "file" / "jobs"))
    with pytest.raises(StartupError, match="SERVICE_JOBS_DIR"):
        create_app(settings)
