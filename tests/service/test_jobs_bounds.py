"""Jobs are bounded in number, bytes and age, and leave nothing behind."""

import asyncio
import os
import resource
from pathlib import Path

import pytest

from service.app import create_app
from service.errors import StartupError
from service.jobs import keeper
from service.settings import Settings
from tests.service.asgi import check_problem, lifespan
from tests.service.job_requests import (
    ARRAY,
    JSON,
    create,
    finished,
    picture,
)
from tests.service.tiny import Start


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


def test_a_folder_that_cannot_be_created_stops_the_start(tiny_models: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(models=tiny_models, device="cpu", jobs_dir=str(tmp_path / "file" / "jobs"))
    with pytest.raises(StartupError, match="SERVICE_JOBS_DIR"):
        create_app(settings)
