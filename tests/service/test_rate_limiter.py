"""Quotas per minute: in memory, in a file that workers share, in a Redis, and without it."""

import asyncio
import logging
import socket
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from service.errors import StartupError
from service.quota import memory_counts, rate_limiter, sqlite_counts
from service.quota.memory_counts import MemoryCounts
from service.quota.rate_limiter import RateLimiter
from service.quota.redis_counts import RedisCounts
from service.quota.sqlite_counts import SqliteCounts
from service.quota.window import Window
from tests.service.minutes import stopped
from tests.service.redis_server import redis_in
from tests.service.simulation import Clock

Make = Callable[[], RateLimiter]
Local = MemoryCounts | SqliteCounts


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of day. That of a Redis goes on, but its minutes begin with what comes first."""
    return stopped(monkeypatch)


@pytest.fixture(params=["in memory", "in a file", "in a Redis"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Make limiters: those of a file and of a Redis count together."""
    if request.param == "in memory":
        only = RateLimiter("", None, "URL")
        yield lambda: only
    elif request.param == "in a file":
        yield lambda: RateLimiter(str(tmp_path / "counts"), None, "URL")
    else:
        with redis_in(tmp_path) as url:
            yield lambda: RateLimiter("", url, "URL")


@pytest.fixture(params=["in memory", "in a file"])
def local(request: pytest.FixtureRequest, tmp_path: Path) -> Local:
    return MemoryCounts() if request.param == "in memory" else SqliteCounts(str(tmp_path / "file"))


async def rows(counts: Local) -> int:
    if isinstance(counts, MemoryCounts):
        return len(counts)
    (found,) = counts._file.execute("SELECT count(*) FROM counts").fetchone()
    return int(found)


async def test_a_quota_is_taken_once_by_all_that_share_it(make: Make) -> None:
    first, second = make(), make()
    found = [await each.take("requests", "web", 4, 1) for each in (first, second, first)]
    assert found == [(True, 3, 0), (True, 2, 0), (True, 1, 0)]
    refused = await second.take("requests", "web", 4, 2)
    assert (refused.is_granted, refused.remaining) == (False, 1)
    assert 1 <= refused.wait <= 120
    assert (await first.take("requests", "web", 4, 1)) == (True, 0, 0)
    for policy, caller in (("requests", "other"), ("megapixels", "web")):
        assert (await first.take(policy, caller, 4, 4)) == (True, 0, 0)
    for each in {first, second}:
        await each.close()


async def test_keys_of_one_name_count_together_although_their_quotas_differ(make: Make) -> None:
    quota = make()
    assert await quota.take("requests", "key web", 4, 3) == (True, 1, 0)
    assert await quota.take("requests", "key web", 10, 3) == (True, 4, 0)
    refused = await quota.take("requests", "key web", 4, 1)
    assert (refused.is_granted, refused.remaining) == (False, 0)
    await quota.close()


async def test_requests_at_once_take_no_more_than_there_is(make: Make) -> None:
    limiters = [make() for _ in range(3)]
    taken = await asyncio.gather(*(each.take("r", "web", 10, 1) for each in limiters * 10))
    assert sum(each.is_granted for each in taken) == 10
    for each in set(limiters):
        await each.close()


async def test_after_the_wait_there_is_room_and_not_before(local: Local, clock: Clock) -> None:
    assert await local.take("megapixels", "web", 50, 40) == (True, 10, 0)
    for cost, wait in ((50, 119), (1, 2), (20, 24)):
        refused = await local.take("megapixels", "web", 50, cost)
        assert (refused.is_granted, refused.wait) == (False, wait)
        clock.now += wait - 1.1  # it is rounded up to seconds
        assert not (await local.take("megapixels", "web", 50, cost)).is_granted
        clock.now += 1.1
        assert (await local.take("megapixels", "web", 50, cost)).is_granted
    await local.close()


async def test_a_quota_comes_back_within_two_minutes_whole(local: Local, clock: Clock) -> None:
    assert await local.take("requests", "web", 6, 6) == (True, 0, 0)
    clock.now += 90.0
    assert await local.take("requests", "web", 6, 1) == (True, 2, 0)  # half of the minute before
    clock.now += 90.0
    assert (await local.take("requests", "web", 6, 1)).remaining >= 4
    clock.now += 3600.0
    assert await local.take("requests", "web", 6, 1) == (True, 5, 0)
    await local.close()


async def test_a_worker_whose_clock_is_behind_at_the_end_of_a_minute_forgets_nothing(
    tmp_path: Path, clock: Clock
) -> None:
    counts = SqliteCounts(str(tmp_path / "file"))
    assert await counts.take("requests", "web", 6, 4) == (True, 2, 0)
    clock.now += 60.0
    assert (await counts.take("requests", "web", 6, 1)).is_granted
    clock.now -= 0.001
    assert not (await counts.take("requests", "web", 6, 2)).is_granted
    clock.now += 0.001
    assert not (await counts.take("requests", "web", 6, 2)).is_granted
    await counts.close()


async def test_what_is_over_is_deleted_some_at_a_time(
    local: Local, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_counts, "EXPIRED", 2)
    for number in range(50):
        await local.take("requests", str(number), 6, 1)
    clock.now += 121.0
    for number in range(10):
        await local.take("requests", f"new {number}", 6, 1)
        assert await rows(local) == 50 - number - 1
    await local.close()


async def test_callers_beyond_the_most_push_out_those_who_have_not_come_for_longest(
    local: Local, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (memory_counts, sqlite_counts):
        monkeypatch.setattr(module, "MOST_CALLERS", 100)
    for number in range(300):
        clock.now += 0.5
        await local.take("requests", str(number), 6, 2)
        assert await rows(local) <= 101
        await local.take("requests", "often", 900, 1)
    assert await local.take("requests", "often", 900, 1) == (True, 778, 0)
    assert await local.take("requests", "299", 6, 2) == (True, 2, 0)
    await local.close()


def test_many_workers_open_their_file_at_once(tmp_path: Path) -> None:
    count = 12
    barrier = Barrier(count)

    def open_one(path: Path) -> None:
        barrier.wait()
        SqliteCounts(str(path))

    with ThreadPoolExecutor(count) as pool:
        for number in range(5):
            path = tmp_path / str(number)
            for opened in [pool.submit(open_one, path) for _ in range(count)]:
                opened.result()


def test_a_worker_waits_until_another_has_made_their_file(tmp_path: Path) -> None:
    path = tmp_path / "counts"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    with ThreadPoolExecutor(1) as pool:
        opened = pool.submit(SqliteCounts, str(path))
        with pytest.raises(TimeoutError):
            opened.result(0.3)
        other.execute("ROLLBACK")
        opened.result()
    other.close()


async def test_while_the_file_of_the_workers_is_locked_each_counts_alone_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "service.quota")
    monkeypatch.setattr(sqlite_counts, "LOCK_SECONDS", 0.01)
    path, failed = str(tmp_path / "counts"), []
    quota = RateLimiter(path, None, "URL")
    quota.failed = lambda: failed.append(True)
    assert await quota.take("requests", "web", 3, 1) == (True, 2, 0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    found = [await quota.take("requests", "web", 3, 1) for _ in range(4)]
    assert [each.is_granted for each in found] == [True, True, True, False]  # of its own
    assert len(failed) == 1  # for the others did not wait for it
    monkeypatch.setattr(rate_limiter, "RETRY_SECONDS", 0.0)
    quota._shared[0]._until = 0.0
    for _ in range(2):
        assert not (await quota.take("requests", "web", 3, 1)).is_granted
    assert len(failed) == 3
    (record,) = caplog.records
    assert "until it does, each worker counts its requests alone" in record.getMessage()
    assert "database is locked" in record.getMessage()
    other.execute("ROLLBACK")
    assert await quota.take("requests", "web", 3, 1) == (True, 1, 0)
    assert "quotas are shared" in caplog.records[-1].getMessage()
    assert len(caplog.records) == 2
    await quota.close()


async def test_a_worker_that_waits_for_the_lock_of_another_goes_on_with_other_requests(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "counts")
    counts = SqliteCounts(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(counts.take("requests", "web", 3, 1))
    await asyncio.sleep(0.01)
    other.execute("ROLLBACK")  # which this event loop has come to
    assert await waiting == (True, 2, 0)
    other.close()
    await counts.close()


async def test_without_its_redis_a_service_counts_alone_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "service.quota")
    failed: list[bool] = []
    with redis_in(tmp_path) as url:
        quota = RateLimiter("", url, "SERVICE_RATE_URL")
        quota.failed = lambda: failed.append(True)
        assert await quota.take("requests", "web", 5, 1) == (True, 4, 0)
    assert not caplog.records
    for left in (4, 3):  # of its own
        assert await quota.take("requests", "web", 5, 1) == (True, left, 0)
    monkeypatch.setattr(rate_limiter, "RETRY_SECONDS", 0.0)
    (outage,) = quota._shared
    outage._until = 0.0
    assert await quota.take("requests", "web", 5, 1) == (True, 2, 0)
    (record,) = caplog.records
    assert "SERVICE_RATE_URL: expected a Redis that answers, received" in record.getMessage()
    assert len(failed) == 2
    with redis_in(tmp_path):
        assert isinstance(outage.counts, RedisCounts)
        # It reads what it has stored.
        while not await outage.counts.check():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert await quota.take("requests", "web", 5, 1) == (True, 3, 0)  # as that Redis knows
    assert "quotas are shared" in caplog.records[-1].getMessage()
    await quota.close()


async def test_a_redis_that_does_not_answer_delays_no_second_request() -> None:
    failed: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        quota = RateLimiter("", url, "URL")
        quota.failed = lambda: failed.append(True)
        for left in (2, 1, 0):
            assert await quota.take("requests", "web", 3, 1) == (True, left, 0)
        await quota.close()
    assert failed == [True]


def test_a_url_that_is_none_of_a_redis_is_refused() -> None:
    with pytest.raises(StartupError, match="SETTING: expected the URL of a Redis, received"):
        RateLimiter("", "http://127.0.0.1", "SETTING")
    with pytest.raises(StartupError, match="quotas: expected /nowhere/counts to be writable"):
        RateLimiter("/nowhere/counts", None, "SETTING")


@pytest.mark.parametrize(
    ("window", "limit", "cost", "wait"),
    [
        (Window(0, 0.0, 10, 90.0), 10, 1, 31),  # at the end of this minute, ten still count as ten
        (Window(0, 0.0, 10, 90.0), 10, 10, 85),
        (Window(10, 30.0, 5, 90.0), 10, 1, 1),  # half of the ten, and the five
        (Window(10, 60.0, 0, 120.0), 10, 5, 25),
    ],
)
def test_the_wait_is_counted_from_both_minutes(
    window: Window, limit: int, cost: int, wait: int
) -> None:
    assert window.wait(limit, cost) == wait
