"""Jobs that outlive their process, or that several processes share: all of them end, none twice."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from service.app import create_app
from service.errors import StartupError
from service.inference import queue as waiting
from service.inference.queue import Job as Waiting
from service.inference.queue import Queue, TileQueue
from service.jobs import keeper, recovery
from service.jobs.backend import open_folder
from service.jobs.entries import ATTEMPTS
from service.jobs.record import End, Job
from service.jobs.recovery import Recovery
from service.jobs.store import Store
from service.settings import Settings
from tests.service.asgi import check_problem, lifespan
from tests.service.gate import Gate
from tests.service.job_requests import UNFINISHED, create, finished, picture
from tests.service.redis_server import redis_in
from tests.service.running import Running, running
from tests.service.tiny import Start

JOB = Job("0" * 32, "denoise", "", [], 0, 0.0, "id")


def wait(service: Running, path: str) -> dict[str, object]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        document = get(service, path).json()
        if document.get("state") not in UNFINISHED:
            return dict(document)
        time.sleep(0.05)
    raise AssertionError(document)


def get(service: Running, path: str) -> httpx.Response:
    return httpx.get(service.own_url + path, timeout=30, trust_env=False, verify=False)


def post(service: Running, path: str, body: bytes) -> httpx.Response:
    return httpx.post(service.url + path, content=body, timeout=30, trust_env=False, verify=False)


@pytest.mark.slow
def test_jobs_survive_the_kill_of_their_process_and_workers_run_each_once(
    models: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "jobs"
    bodies = [picture((600, 400 + 8 * index), compress_level=1) for index in range(6)]
    query = "model=photo&sigma=40"
    with contextlib.suppress(AssertionError), running(models, f"--jobs-dir={folder}") as service:
        paths = [post(service, f"/jobs?{query}", body).headers["location"] for body in bodies]
        wait(service, paths[0])
        service.process.send_signal(signal.SIGKILL)
        service.process.wait(10)
    assert service.process.returncode == -signal.SIGKILL
    store = Store(open_folder(folder))
    cut_off = [not each.end for each in store.entries().values()].count(True)
    store.close()
    assert 0 < cut_off < len(paths)
    with running(models, f"--jobs-dir={folder}", "--workers=2") as service:
        for path, body in zip(paths, bodies, strict=True):
            assert wait(service, path)["state"] == "succeeded"
            direct = post(service, f"/denoise?{query}", body)
            assert get(service, f"{path}/result").content == direct.content
        time.sleep(1.5)  # until the workers have told each other
        counted = get(service, "/metrics").text
    ran = sum(
        float(line.rpartition(" ")[2])
        for line in counted.splitlines()
        if line.startswith("autoencoder_requests_total") and 'operation="denoise"' in line
    )
    assert ran == len(paths) + cut_off


def test_a_job_that_ends_its_process_is_given_up(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    store = Store(open_folder(folder))
    store.add(JOB)
    for attempt in range(1, ATTEMPTS + 1):
        assert store.attempts.take() == (JOB, attempt)
        assert store.attempts.take() is None
        Recovery(store, lambda: None, lambda _: None).at_start()
    entry = store.find(JOB.id)
    assert entry is not None
    assert entry.end is not None
    assert entry.end.problem is not None
    assert entry.end.problem["code"] == "job-lost"
    assert store.attempts.take() is None
    store.close()


def test_requests_run_before_jobs_that_have_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def order(kind: type[Queue], size: int) -> list[bool]:
        queue = kind(1)
        image = np.zeros((1, size, size, 3), np.float32)
        for background in (True, False, True, False):
            future = asyncio.get_running_loop().create_future()
            now = time.perf_counter()
            queue.push(Waiting(image, None, None, future, now, background=background))
        return [queue.pop()[0].background for _ in range(4)]

    for kind, size in ((Queue, 4), (TileQueue, 64), (TileQueue, 1024)):
        assert asyncio.run(order(kind, size)) == [False, False, True, True]
    monkeypatch.setattr(waiting, "BACKGROUND_SECONDS", 0.0)
    assert asyncio.run(order(TileQueue, 1024)) == [True, False, True, False]


def test_an_attempt_has_one_process_and_a_job_one_end(tmp_path: Path) -> None:
    store = Store(open_folder(tmp_path / "jobs"))
    store.add(JOB)
    store.attempts.requeue(JOB.id, 1)  # recovery does not know whether it is in the queue
    assert store.attempts.take() == (JOB, 1)
    assert store.attempts.take() is None
    store.attempts.requeue(JOB.id, 2)  # it is thought to be gone
    assert store.attempts.take() == (JOB, 2)
    assert store.finish(JOB, End("succeeded", 1.0, attempt=2))
    assert not store.finish(JOB, End("succeeded", 2.0, attempt=1))
    store.attempts.requeue(JOB.id, 3)
    assert store.attempts.take() is None
    store.close()


def test_only_one_process_at_a_time_is_alone_with_a_folder(tmp_path: Path) -> None:
    first = open_folder(tmp_path)
    assert first.lock is not None
    assert first.lock.is_alone
    first.lock.share()
    second = open_folder(tmp_path)
    assert second.lock is not None
    assert not second.lock.is_alone
    first.close()
    second.close()
    third = open_folder(tmp_path)
    assert third.lock is not None
    assert third.lock.is_alone
    third.close()


async def test_a_job_that_nobody_reports_on_runs_again(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(recovery, "LEASE_SECONDS", 0.2)
    client = start(jobs_dir=str(tmp_path / "jobs"))
    path = await create(client)
    store = Store(open_folder(tmp_path / "jobs"))
    taken = store.attempts.take()  # by a process that is gone before it runs it
    assert taken is not None
    async with lifespan(client):
        document = await finished(client, path)
        assert document["state"] == "succeeded"
    entry = store.find(taken[0].id)
    assert entry is not None
    assert entry.attempts == 2
    store.close()


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with redis_in(tmp_path) as url:
        yield url


async def test_instances_share_jobs_in_redis(start: Start, redis_url: str, gate: Gate) -> None:
    body = picture((700, 600), compress_level=0)  # of more than a chunk
    one, two = start(jobs_url=redis_url), start(jobs_url=redis_url)
    async with lifespan(one), lifespan(two):
        direct = await two.post("/denoise?model=photo", content=body)
        gate.close()
        paths = [await create(one, "model=photo", content=body) for _ in range(4)]
        await gate.reached()
        assert (await two.delete(paths[3])).status_code == 204
        gate.open()
        for path in paths[:3]:
            assert (await finished(two, path))["state"] == "succeeded"
            assert (await two.get(f"{path}/result")).content == direct.content
        assert (await one.get(paths[3])).json()["state"] == "cancelled"
        assert (await two.delete(paths[0])).status_code == 204
        check_problem(await one.get(paths[0]), 404, "job-not-found")


def test_a_redis_that_does_not_answer_stops_the_start(tiny_models: Path, tmp_path: Path) -> None:
    url = f"unix://{tmp_path / 'none'}"
    with pytest.raises(StartupError, match="SERVICE_JOBS_URL"):
        create_app(Settings(models=tiny_models, device="cpu", jobs_url=url))
