"""What is refused of jobs: requests of other pages, uploads that never end, settings at odds."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from service.app import create_app
from service.errors import StartupError
from service.inference.caller import Caller
from service.jobs.record import Job
from service.jobs.store import Store
from service.settings import Settings
from tests.service.asgi import check_problem, lifespan
from tests.service.job_requests import ARRAY, create, finished, picture, until
from tests.service.tiny import Start

ELSEWHERE: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://elsewhere.example"},
)
HERE: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://test"},
    {},
)


@pytest.fixture
def client(start: Start, tmp_path: Path) -> httpx.AsyncClient:
    return start(jobs_dir=str(tmp_path / "jobs"))


def blobs(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not path.name.startswith("jobs.")]


async def test_pages_of_other_origins_neither_create_nor_delete_jobs(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    path = await create(client)
    for headers in ELSEWHERE:
        refused = await client.post("/jobs", json=ARRAY, headers=headers)
        check_problem(refused, 403, "cross-origin-forbidden")
        check_problem(await client.delete(path, headers=headers), 403, "cross-origin-forbidden")
    assert (await client.get(path)).json()["state"] == "queued"
    assert len(blobs(tmp_path / "jobs")) == 1
    for headers in HERE:
        own = headers | {"Host": "test"}
        created = await client.post("/jobs", json=ARRAY, headers=own)
        assert created.status_code == 202
        deleted = await client.delete(created.headers["location"], headers=own)
        assert deleted.status_code == 204


async def test_an_upload_that_trickles_is_refused_in_the_end(start: Start, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"), jobs_max=1, timeout=0.3)

    async def trickle() -> AsyncIterator[bytes]:
        yield picture()
        while True:  # each piece in time
            await asyncio.sleep(0.02)
            yield b"x"

    async with asyncio.timeout(20):
        refused = await client.post("/jobs?model=photo", content=trickle())
    detail = check_problem(refused, 503, "deadline-exceeded")
    assert "expected the body within 0.3 s" in detail
    assert not blobs(tmp_path / "jobs")
    await create(client)  # there is room for it again


async def test_an_upload_takes_the_room_of_what_has_come(start: Start, tmp_path: Path) -> None:
    body = picture((40, 40), compress_level=0)
    client = start(jobs_dir=str(tmp_path / "jobs"), jobs_max_bytes=2 * len(body))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield body[:100]
        begun.set()
        await go_on.wait()
        yield body[100:]
        yield body

    headers = {"Content-Length": str(2 * len(body))}
    upload = asyncio.create_task(client.post("/jobs", content=slow(), headers=headers))
    await begun.wait()
    await create(client, "model=photo", content=body)
    check_problem(await client.post("/jobs", content=body + body), 429, "overloaded")
    go_on.set()
    check_problem(await upload, 429, "overloaded")
    assert len(blobs(tmp_path / "jobs")) == 1


async def test_of_a_job_that_is_refused_nothing_is_kept(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Store.add

    def lose(store: Store, job: Job, caller: Caller) -> None:
        """Store a job as usual, and lose the answer."""
        with store.reached():
            add(store, job, caller)
            raise OSError("the answer is lost")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "add", lose)
        check_problem(await client.post("/jobs", json=ARRAY), 503, "jobs-unavailable")
    assert not blobs(tmp_path / "jobs")
    async with lifespan(client):
        await finished(client, await create(client))  # which would wait for the other
        await asyncio.sleep(0.1)
        counted = (await client.get("/metrics")).text
    assert 'operation="denoise",status="200"} 1.0' in counted


async def test_what_cannot_be_removed_of_a_refused_job_is_removed_later(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(store: Store, *_: object) -> None:
        with store.reached():
            raise OSError("the disk is away")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "add", away)
        patch.setattr(Store, "discard", away)
        check_problem(await client.post("/jobs", json=ARRAY), 503, "jobs-unavailable")
    assert len(blobs(tmp_path / "jobs")) == 1
    async with lifespan(client):
        await until(lambda: not blobs(tmp_path / "jobs"))


@pytest.mark.parametrize("seconds", ["1e12", "inf", "nan", "0"])
def test_results_are_kept_for_a_time_that_a_calendar_has(seconds: str) -> None:
    with pytest.raises(ValidationError, match="jobs_keep_seconds"):
        Settings(jobs_keep_seconds=seconds)


async def test_the_longest_time_has_a_date(start: Start, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"), jobs_keep_seconds=1e9)
    async with lifespan(client):
        document = await finished(client, await create(client))
    assert document["expires"].startswith("20")


def test_two_stores_stop_the_start(tiny_models: Path, tmp_path: Path) -> None:
    settings = Settings(
        models=tiny_models, device="cpu", jobs_dir=str(tmp_path), jobs_url="redis://127.0.0.1"
    )
    with pytest.raises(StartupError, match=r"SERVICE_JOBS_URL .* received both"):
        create_app(settings)
