"""Jobs while they run: progress, cancellation, what they wait for, what they miss."""

import asyncio
import gzip
import time
from pathlib import Path

import pytest

from service.jobs import keeper, progress, worker
from service.jobs.backend import open_folder
from service.jobs.progress import Progress
from service.jobs.record import End
from service.jobs.store import Store
from tests.service.asgi import check_problem, lifespan
from tests.service.gate import Gate
from tests.service.job_requests import (
    ARRAY,
    JSON,
    create,
    finished,
    picture,
)
from tests.service.keys import lines, made
from tests.service.listener import Listener, heard, listening
from tests.service.tiny import Start


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "REPORT_SECONDS", 0.02)
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.05)


async def test_jobs_that_wait_and_run_are_cancelled(
    start: Start, gate: Gate, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "service.requests")
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
        for _ in range(3000):  # until the request of the job that ran has ended
            told = [each for each in caplog.messages if each.endswith("the job was cancelled")]
            if told:
                break
            await asyncio.sleep(0.01)
        last = await create(client)
        gate.open()
        assert (await finished(client, last))["state"] == "succeeded"
        assert gate.batches == [1, 1]  # of the job that ran, and of the last
    assert len(told) == 1
    assert not list((tmp_path / "jobs").glob("*.body"))


async def test_a_caller_with_many_jobs_lets_another_have_its_turn(
    start: Start, gate: Gate, tmp_path: Path
) -> None:
    flood, quiet = made("flood"), made("quiet")
    client = start(jobs_dir=str(tmp_path / "jobs"), api_keys=lines(flood, quiet))
    async with lifespan(client):
        gate.close()
        sent = [flood, flood, flood, flood, quiet]
        paths = [await create(client, json=ARRAY, headers=key.bearer) for key in sent]
        gate.open()
        ends = [
            (await finished(client, path, key.bearer))["finished"]
            for path, key in zip(paths, sent, strict=True)
        ]
    assert ends[0] < ends[4] < ends[2] < ends[3]  # one of the flood ran already


async def test_a_job_that_runs_at_the_stop_runs_again_after_the_start(
    start: Start, gate: Gate, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = str(tmp_path / "jobs")
    first = start(jobs_dir=folder)
    with caplog.at_level("INFO", "service"):
        async with lifespan(first):
            gate.close()
            paths = [await create(first) for _ in range(3)]
            await gate.reached()
            assert (await first.get(paths[0])).json()["state"] == "running"
    requests = [each for each in caplog.messages if " POST " in each]
    assert len(requests) == 1
    assert requests[0].endswith(" ms: the job was requeued, as the service stops")
    who = paths[0].removeprefix("/jobs/")
    assert f"job {who}: requeued, as the service stops: it runs again" in caplog.messages
    gate.open()
    second = start(jobs_dir=folder)
    assert (await second.get(paths[0])).json()["state"] == "queued"
    async with lifespan(second):
        for path in paths:
            assert (await finished(second, path))["state"] == "succeeded"


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
        assert document["seconds_left"] >= 0
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


def test_the_time_left_runs_down_between_two_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("service.jobs.progress.time.perf_counter", lambda: now)
    progress = Progress()
    progress.grow(100, 30.0)
    now = 106.0
    assert progress.left() == 24.0
    progress.advance(25)
    assert progress.left() == 18.0
    now = 110.0
    assert progress.left() == 14.0
    now = 200.0
    assert progress.left() == 0.0


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


async def test_jobs_and_requests_have_room_for_photographs_together(
    start: Start, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "AGAIN_SECONDS", 0.1)
    client = start(jobs_dir=str(tmp_path / "jobs"), jobs_concurrency=2, max_queue_pixels=1000)
    url = "/denoise?model=photo"
    async with lifespan(client):
        gate.close()
        paths = [await create(client, "model=photo", content=picture()) for _ in range(2)]
        await gate.reached()
        refused = await client.post(url, content=picture())
        detail = check_problem(refused, 429, "overloaded")
        assert "1000 pixels of waiting photographs" in detail
        assert detail.endswith("received 1920")  # 960 are the job's
        gate.open()
        for path in paths:
            assert (await finished(client, path))["state"] == "succeeded"
        gate.close()
        request = asyncio.create_task(client.post(url, content=picture()))
        await gate.reached()
        path = await create(client, "model=photo", content=picture())
        await asyncio.sleep(0.3)
        assert (await client.get(path)).json()["progress"]["share"] == 0.0
        gate.open()
        assert (await request).status_code == 200
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
