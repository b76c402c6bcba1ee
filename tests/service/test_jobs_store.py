"""The store of jobs: what is lost between it and a process, and what belongs to others."""

import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.errors import InsufficientStorage, JobsUnavailable
from service.inference.caller import Caller
from service.jobs.backend import Backend, open_folder, open_redis
from service.jobs.files import Files
from service.jobs.orphans import remove_orphans
from service.jobs.record import End, Job, Run, result_name
from service.jobs.recovery import Recovery
from service.jobs.store import Store
from service.jobs.tally import tally_of
from tests.service.redis_server import redis_in

JOB = Job("0" * 32, "denoise", "", [], 0, 0.0, "id")
OTHER = Job("1" * 32, "denoise", "", [], 0, 1.0, "id")


@pytest.fixture(params=["folder", "Redis"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    if request.param == "folder":
        backend = open_folder(tmp_path / "jobs")
        yield backend
        backend.close()
        return
    with redis_in(tmp_path) as url:
        backend = open_redis(url, 60.0, "URL")
        yield backend
        backend.storage.pool.disconnect()


@pytest.fixture
def store(backend: Backend) -> Store:
    return Store(backend)


def lose_answer(backend: Backend, method: str, key: str, patch: pytest.MonkeyPatch) -> None:
    """Let the next call for a key be carried out, and its answer be lost."""
    carry_out: Callable[..., Any] = getattr(backend.storage, method)
    left = [None]

    def lose(given: str, *arguments: Any, **options: Any) -> Any:
        result = carry_out(given, *arguments, **options)
        if given.endswith(key) and left:
            left.pop()
            raise backend.errors[0]("the answer is lost")
        return result

    patch.setattr(backend.storage, method, lose)


def write(store: Store, name: str) -> None:
    writer = store.results.writer(name)
    writer.write(b"response")
    writer.commit()


def test_a_result_is_kept_where_the_answer_that_its_end_is_stored_is_lost(
    backend: Backend, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(JOB)
    assert store.attempts.take() == (JOB, 1)
    write(store, result_name(JOB.id, 1))
    end = End("succeeded", 2.0, attempt=1, status=200)
    lose_answer(backend, "put_if_empty", "/end", monkeypatch)
    with pytest.raises(JobsUnavailable):
        store.finish(JOB, end)
    assert store.finish(JOB, end)
    assert list(store.results.chunks(result_name(JOB.id, 1))) == [b"response"]
    assert not store.finish(JOB, End("cancelled", 3.0))
    assert not store.finish(JOB, End("succeeded", 3.0, attempt=1, status=200))
    assert list(store.results.chunks(result_name(JOB.id, 1))) == [b"response"]
    write(store, result_name(JOB.id, 2))
    assert not store.finish(JOB, End("succeeded", 3.0, attempt=2, status=200))
    assert not store.results.exists(result_name(JOB.id, 2))


def test_a_result_is_kept_where_the_body_cannot_be_removed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(JOB)
    write(store, result_name(JOB.id, 1))
    end = End("succeeded", 2.0, attempt=1, status=200)

    def refuse(_: str) -> None:
        raise OSError("the disk is away")

    with monkeypatch.context() as patch:
        patch.setattr(store.bodies, "delete", refuse)
        with pytest.raises(JobsUnavailable):
            store.finish(JOB, end)
    assert store.finish(JOB, end)
    assert store.results.exists(result_name(JOB.id, 1))


def test_a_job_that_was_taken_when_the_store_went_away_is_taken_first(
    backend: Backend, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(JOB)
    store.add(OTHER)
    with monkeypatch.context() as patch:
        patch.setattr(backend.storage, "peek_many", _away(backend))
        with pytest.raises(JobsUnavailable):
            store.attempts.take()
    assert store.attempts.take() == (JOB, 1)


def test_an_attempt_is_kept_where_the_answer_that_it_is_claimed_is_lost(
    backend: Backend, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(JOB)
    store.attempts.requeue(JOB.id, 1)  # a second item of the same attempt
    lose_answer(backend, "put_if_empty", "/run1", monkeypatch)
    with pytest.raises(JobsUnavailable):
        store.attempts.take()
    assert store.attempts.take() == (JOB, 1)
    assert store.attempts.take() is None
    entry = store.find(JOB.id)
    assert entry is not None
    assert entry.attempts == 1


def _away(backend: Backend) -> Callable[..., Any]:
    def raise_(*_: Any) -> Any:
        raise backend.errors[0]("away")

    return raise_


def test_a_job_without_a_place_in_the_queue_gets_one(
    backend: Backend, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(backend.storage, "enqueue", _away(backend))
        store.add(JOB)
    assert store.attempts.take() is None
    Recovery(store, lambda: None, lambda _: None).at_start()
    assert store.attempts.take() == (JOB, 1)


def test_what_is_given_back_runs_first_and_waits_until_then(store: Store) -> None:
    store.add(JOB)
    store.add(OTHER)
    assert store.attempts.take() == (JOB, 1)
    assert store.attempts.beat(JOB.id, 1, Run(1.0, done=5, total=10, share=0.5))
    assert state(store) == "running"
    store.attempts.release(JOB.id, 1)
    assert state(store) == "queued"
    assert store.attempts.take() == (JOB, 1)
    assert store.attempts.beat(JOB.id, 1, Run(1.0, done=5, total=10, share=0.5))
    Recovery(store, lambda: None, lambda _: None).at_start()
    entry = store.find(JOB.id)
    assert entry is not None
    assert (entry.state, entry.run, entry.attempts) == ("queued", None, 1)
    assert tally_of(store.entries()).oldest == JOB.created
    assert store.attempts.take() == (JOB, 2)
    assert state(store) == "running"
    store.attempts.release(JOB.id, 2)
    assert state(store) == "queued"
    assert store.attempts.take() == (JOB, 2)
    assert store.attempts.take() == (OTHER, 1)


def waiting(store: Store, caller: Caller, count: int, size: int = 100_000) -> list[str]:
    """Queue jobs of a caller; return their ids."""
    ids = [secrets.token_hex(16) for _ in range(count)]
    for job_id in ids:
        store.add(Job(job_id, "denoise", "", [], size, 0.0, "id"), caller)
    return ids


def run(store: Store, count: int) -> list[str]:
    """Return the ids of the jobs that are next."""
    taken = [store.attempts.take() for _ in range(count)]
    return [job.id for job, _ in filter(None, taken)]


def test_callers_take_turns_however_many_jobs_each_has(backend: Backend, store: Store) -> None:
    flood, quiet, heavy = Caller("flood", 1), Caller("quiet", 1), Caller("heavy", 2)
    other = Store(backend)  # of another process
    many = waiting(store, flood, 20)
    assert run(other, 3) == many[:3]
    single = waiting(other, quiet, 1)
    assert run(store, 2) == [*single, many[3]]
    some = waiting(store, heavy, 8)
    following = run(other, 9)
    assert [each for each in following if each in many] == many[4:7]
    assert [each for each in following if each in some] == some[:6]
    large = waiting(store, quiet, 2, size=1_000_000)
    following = run(store, 12)
    assert large[0] in following[:3]
    assert large[1] not in following  # its caller's other one is as large as ten
    assert len(store.entries()) == 20 + 1 + 8 + 2


def state(store: Store) -> str:
    entry = store.find(JOB.id)
    assert entry is not None
    return entry.state


def test_a_job_that_is_discarded_is_unknown(store: Store) -> None:
    writer = store.bodies.writer(JOB.body)
    writer.write(b"body")
    writer.commit()
    store.add(JOB)
    store.discard(JOB)
    assert store.find(JOB.id) is None
    assert not store.bodies.exists(JOB.body)
    assert store.attempts.take() is None


def test_files_that_are_not_of_jobs_stay(tmp_path: Path) -> None:
    store = Store(open_folder(tmp_path))
    running, ended, uploaded, unknown = (digit * 32 for digit in "abcd")
    for job_id in (running, ended):
        store.add(Job(job_id, "denoise", "", [], 0, 0.0, "id"))
    assert store.finish(
        Job(ended, "denoise", "", [], 0, 0.0, "id"), End("succeeded", 1.0, attempt=2)
    )
    kept = {
        "IMG_0001.jpg",
        "IMG_0001.jpg.body",
        f"{unknown}.body.txt",
        f"{unknown.upper()}.body",
        f"{running}.body",
        f"{running}.1.0a1b2c3d.part",
        f"{ended}.2",
        f"{uploaded}.body.0a1b2c3d.part",
    }
    orphans = {
        f"{unknown}.body",
        f"{unknown}.3",
        f"{unknown}.body.0a1b2c3d.part",
        f"{ended}.body",
        f"{ended}.1",
        f"{ended}.2.0a1b2c3d.part",
    }
    for name in kept | orphans:
        (tmp_path / name).write_bytes(b"content")
    folder, link = tmp_path / f"{unknown}.1", tmp_path / f"{unknown}.2"
    folder.mkdir()
    link.symlink_to(tmp_path / "IMG_0001.jpg")
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0), follow_symlinks=False)
    fresh = tmp_path / f"{'e' * 32}.body"
    fresh.touch()
    remove_orphans(store, store.entries(), {uploaded})
    kept |= {folder.name, link.name, fresh.name}
    left = {path.name for path in tmp_path.iterdir() if not path.name.startswith("jobs.")}
    assert left == kept
    assert (tmp_path / "jobs.db").exists()
    store.close()


def test_a_name_is_that_of_an_old_file_alone(tmp_path: Path) -> None:
    files = Files(tmp_path)
    for name in ("old", "new"):
        (tmp_path / name).touch()
    os.utime(tmp_path / "old", (0, 0))
    assert list(files.stale(60.0)) == ["old"]


def test_no_file_is_old_as_the_clock_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, now = Files(tmp_path), time.time()
    (tmp_path / "new").touch()
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    assert list(files.stale(3600.0)) == []
    assert list(files.stale(3600.0)) == []


def test_room_is_told_from_other_errors_by_their_kind(tmp_path: Path) -> None:
    backend = open_folder(tmp_path)
    with pytest.raises(JobsUnavailable), backend.reached():
        raise sqlite3.OperationalError("no such table: fullest_room")
    path = tmp_path / "small.db"
    small = sqlite3.connect(path, isolation_level=None)
    small.execute("pragma max_page_count = 2")
    small.execute("create table t (value)")
    with pytest.raises(InsufficientStorage, match="expected room"), backend.reached():
        small.execute("insert into t values (zeroblob(100000))")
    small.close()
    backend.close()


def test_a_redis_without_memory_has_no_room(tmp_path: Path) -> None:
    with redis_in(tmp_path) as url:
        backend = open_redis(url, 60.0, "URL")
        connection = backend.storage.conn
        connection.config_set("maxmemory", 1)
        with pytest.raises(InsufficientStorage, match="expected room"):
            Store(backend).add(JOB)
        backend.storage.pool.disconnect()


def test_the_beat_of_an_attempt_that_another_has_overtaken_stops_it(store: Store) -> None:
    store.add(JOB)
    assert store.attempts.take() == (JOB, 1)
    store.attempts.requeue(JOB.id, 2)
    assert store.attempts.beat(JOB.id, 1, Run(time.time()))  # nobody runs the second yet
    assert store.attempts.take() == (JOB, 2)
    assert not store.attempts.beat(JOB.id, 1, Run(time.time()))
    store.attempts.requeue(JOB.id, 1)
    assert store.attempts.take() is None  # an item that is late
