"""Jobs whose store goes away, answers late, or comes back."""

import asyncio
import threading
import time
from pathlib import Path

import pytest
from huey.storage import SqliteStorage

from service.jobs import chunks, worker
from service.jobs.backend import open_folder, open_redis
from service.jobs.store import Store
from tests.service.asgi import check_problem, lifespan
from tests.service.gate import Gate
from tests.service.job_requests import archive, contents, create, finished, picture, until
from tests.service.redis_server import redis_in
from tests.service.tiny import Start


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "REPORT_SECONDS", 0.02)
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.05)


async def test_a_job_whose_response_is_broken_off_by_its_store_runs_again(
    start: Start,
    gate: Gate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 500)  # so that much is stored before the end
    body = archive(picture(), picture((24, 40)))
    headers = {"Content-Type": "application/zip"}
    with redis_in(tmp_path) as url:
        client = start(jobs_url=url)
        direct = await client.post("/denoise?model=photo", content=body, headers=headers)
        running = lifespan(client)
        await running.__aenter__()
        gate.close()
        path = await create(client, "model=photo", content=body, headers=headers)
        await gate.reached()
        gate.pass_one()
        await gate.reached()  # the first photograph is stored, the second is being denoised
    gate.open()
    await until(lambda: "runs again" in caplog.text)
    with redis_in(tmp_path):
        document = await finished(client, path)
        assert document["state"] == "succeeded"
        result = (await client.get(f"{path}/result")).content
        assert contents(result) == contents(direct.content)
        store = Store(open_redis(url, 60.0, "URL"))
        entry = store.find(str(document["id"]))
        assert entry is not None
        assert entry.attempts == 1
        await running.__aexit__(None, None, None)


async def test_a_report_that_is_late_does_not_undo_a_release(
    start: Start, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporting, reported = threading.Event(), threading.Event()
    put_data = SqliteStorage.put_data

    def late(storage: SqliteStorage, key: str, value: bytes) -> None:
        if key.endswith("/run1"):
            reporting.set()
            time.sleep(0.3)
        put_data(storage, key, value)
        if key.endswith("/run1"):
            reported.set()

    monkeypatch.setattr(SqliteStorage, "put_data", late)
    client = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(client):
        gate.close()
        path = await create(client)
        await gate.reached()
        assert await asyncio.to_thread(reporting.wait, 10)
    assert await asyncio.to_thread(reported.wait, 10)
    gate.open()
    store = Store(open_folder(tmp_path / "jobs"))
    entry = store.find(path.removeprefix("/jobs/"))
    assert entry is not None
    assert (entry.state, entry.attempts) == ("queued", 0)
    store.close()


async def test_jobs_survive_a_redis_that_goes_and_comes_back(
    start: Start, gate: Gate, tmp_path: Path
) -> None:
    body = archive(picture(), picture((24, 40)))
    with redis_in(tmp_path) as url:
        client = start(jobs_url=url)
        running = lifespan(client)
        await running.__aenter__()
        gate.close()
        headers = {"Content-Type": "application/zip"}
        paths = [
            await create(client, "model=photo", content=body, headers=headers) for _ in range(2)
        ]
        await gate.reached()
    await asyncio.sleep(0.2)
    check_problem(await client.get(paths[0]), 503, "jobs-unavailable")
    check_problem(await client.post("/jobs", content=picture()), 503, "jobs-unavailable")
    with redis_in(tmp_path):
        gate.open()
        for path in paths:
            assert (await finished(client, path))["state"] == "succeeded"
        await running.__aexit__(None, None, None)
