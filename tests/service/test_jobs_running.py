"""Jobs while they run: progress, cancellation by others, stores that go and come back."""

import asyncio
import gzip
import threading
import time
from pathlib import Path

import pytest
from huey.storage import SqliteStorage

from service.api.jobs import events
from service.jobs import chunks, keeper, worker
from service.jobs.backend import open_folder, open_redis
from service.jobs.progress import Progress
from service.jobs.record import End
from service.jobs.store import Store
from tests.service.asgi import check_problem, lifespan
from tests.service.gate import Gate
from tests.service.listener import Listener, heard, listening
from tests.service.redis_server import redis_in
from tests.service.test_jobs import JSON, archive, contents, create, finished, picture, until
from tests.service.tiny import Start


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "REPORT_SECONDS", 0.02)
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.05)


async def test_a_job_tells_how_far_it_is(start: Start, gate: Gate, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(client):
        gate.close()
        path = await create(client, "model=photo", content=picture((2000, 40)))
        await gate.reached()
        await asyncio.sleep(0.1)
        document = (await client.get(path)).json()
        assert document["progress"] == {
            "megapixels_done": 0.0,
            "megapixels_total": 0.08,
            "share": 0.0,
        }
        assert document["seconds_left"] >= 0
        assert "Retry-After" in (await client.get(f"{path}/result")).headers
        gate.pass_one()
        await gate.reached()
        await asyncio.sleep(0.1)
        document = (await client.get(path)).json()
        assert 0 < document["progress"]["share"] < 1
        assert document["progress"]["megapixels_done"] == 0.08 * document["progress"]["share"]
        assert document["seconds_left"] > 0
        gate.open()
        assert (await finished(client, path))["progress"]["megapixels_done"] == 0.08


def test_the_photographs_that_are_not_known_yet_are_like_those_that_are() -> None:
    progress = Progress()
    assert (progress.share, progress.total, progress.left()) == (0.0, 0, None)
    progress.expect(4)
    progress.grow(100, 1000.0)
    assert progress.total == 0
    left = progress.left()
    assert left is not None
    assert 3990 < left <= 4000
    progress.advance(100)
    assert progress.share == 0.25
    for _ in range(3):
        progress.grow(100, 1000.0)
    assert (progress.share, progress.total) == (0.25, 400)


async def test_a_job_is_cancelled_by_another_process(
    start: Start, gate: Gate, tmp_path: Path
) -> None:
    folder = str(tmp_path / "jobs")
    one, other = start(jobs_dir=folder), start(jobs_dir=folder)
    async with lifespan(one):
        gate.close()
        path = await create(one, "model=photo", content=picture((2000, 40)))
        await gate.reached()
        assert (await other.delete(path)).status_code == 204
        next_one = await create(one)
        await gate.reached()  # the tile that ran is still there, and the next job runs
        gate.open()
        assert (await finished(one, next_one))["state"] == "succeeded"
        assert (await one.get(path)).json()["state"] == "cancelled"
        assert (await other.delete(path)).status_code == 204
    assert not list((tmp_path / "jobs").glob(f"{path.removeprefix('/jobs/')}*"))


async def test_a_job_waits_for_room_beside_others(start: Start, gate: Gate, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"), jobs_concurrency=2, max_queue_pixels=1000)
    async with lifespan(client):
        gate.close()
        paths = [await create(client, "model=photo", content=picture()) for _ in range(2)]
        await gate.reached()
        request = asyncio.create_task(client.post("/denoise?model=photo", content=picture()))
        await asyncio.sleep(0.1)
        gate.open()
        assert (await request).status_code == 200  # whatever jobs hold
        for path in paths:
            assert (await finished(client, path))["state"] == "succeeded"


async def test_a_job_whose_body_is_gone_fails(start: Start, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"))
    path = await create(client)
    for body in (tmp_path / "jobs").glob("*.body"):
        body.unlink()
    async with lifespan(client):
        document = await finished(client, path)
    assert document["error"]["code"] == "job-lost"


async def test_a_result_that_is_gone_is_a_404(start: Start, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(client):
        path = await create(client)
        await finished(client, path)
        (tmp_path / "jobs" / f"{path.removeprefix('/jobs/')}.1").unlink()
        check_problem(await client.get(f"{path}/result"), 404, "job-not-found")


async def test_a_compressed_body_is_read_by_the_job(start: Start, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(client):
        body = gzip.compress(b'{"inputs": [[[0.5, 0.5, 0.5, 0.5]]]}')
        headers = {"Content-Encoding": "gzip", "Content-Type": JSON}
        path = await create(client, content=body, headers=headers)
        assert (await finished(client, path))["error"]["code"] == "shape-mismatch"


async def test_streams_of_events_are_bounded(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_STREAMS", 1)
    client = start(jobs_dir=str(tmp_path / "jobs"))
    path = await create(client)
    for _ in range(2):  # the first is not counted once it has ended
        stream = asyncio.create_task(client.get(f"{path}/events"))
        await asyncio.sleep(0.1)
        check_problem(await client.get(f"{path}/events"), 429, "overloaded")
        await client.delete(path)
        assert (await stream).text.count("event: progress\n") == 1
        path = await create(client)


async def test_a_stream_ends_where_its_job_is_forgotten(start: Start, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"))
    path = await create(client)
    stream = asyncio.create_task(client.get(f"{path}/events"))
    await asyncio.sleep(0.1)
    for _ in range(2):  # one cancels it, one forgets it, before the stream looks again
        await client.delete(path)
    [event, _] = (await stream).text.split("\n\n")
    assert event.startswith("event: progress\n")
    assert '"state":"queued"' in event


async def test_a_callback_whose_process_is_gone_is_told_by_another(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "RECALL_SECONDS", 0.0)
    with listening() as listener:
        await _recall(start, listener, tmp_path)


async def _recall(start: Start, listener: Listener, tmp_path: Path) -> None:
    hosts = f"127.0.0.1:{listener.server_port}"
    client = start(jobs_dir=str(tmp_path / "jobs"), jobs_callback_hosts=hosts)
    path = await create(client, f"callback=http://{hosts}/done")
    store = Store(open_folder(tmp_path / "jobs"))
    taken = store.attempts.take()
    assert taken is not None
    assert store.finish(taken[0], End("cancelled", time.time()))
    store.close()
    async with lifespan(client):
        assert await heard(listener)
    assert listener.told[0][2]["id"] == path.removeprefix("/jobs/")


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
    reporting = threading.Event()
    put_data = SqliteStorage.put_data

    def late(storage: SqliteStorage, key: str, value: bytes) -> None:
        if key.endswith("/run1"):
            reporting.set()
            time.sleep(0.3)
        put_data(storage, key, value)

    monkeypatch.setattr(SqliteStorage, "put_data", late)
    client = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(client):
        gate.close()
        path = await create(client)
        await gate.reached()
        assert await asyncio.to_thread(reporting.wait, 10)
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
