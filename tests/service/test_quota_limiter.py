"""Quotas per minute: in memory, in a file that workers share, in a Redis, and without it."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.errors import StartupError
from service.quota import limiter
from service.quota.limiter import Limiter
from service.quota.window import Window
from tests.service.redis_server import redis_in
from tests.service.simulation import Clock

Make = Callable[[], Limiter]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of day, which starts with a minute."""
    clock = Clock()
    clock.now = 60.0 * 30_000_000
    monkeypatch.setattr(time, "time", clock)
    return clock


@pytest.fixture(params=["in memory", "in a file", "in a Redis"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Make limiters: those of a file and of a Redis count together."""
    if request.param == "in memory":
        only = Limiter("", None, "URL")
        yield lambda: only
    elif request.param == "in a file":
        yield lambda: Limiter(str(tmp_path / "counts"), None, "URL")
    else:
        with redis_in(tmp_path) as url:
            yield lambda: Limiter("", url, "URL")


async def test_a_quota_is_taken_once_by_all_that_share_it(make: Make) -> None:
    first, second = make(), make()
    lefts = []
    for each in (first, second, first):
        taken = await each.take("requests", "web", 4, 1)
        assert taken
        assert taken.is_granted
        lefts.append(taken.left)
    assert lefts == [3, 2, 1]
    refused = await second.take("requests", "web", 4, 2)
    assert refused
    assert not refused.is_granted
    assert refused.left == 1
    assert 1 <= refused.wait <= 120
    assert (await first.take("requests", "web", 4, 1)) == (True, 0, 0)
    for policy, caller in (("requests", "other"), ("megapixels", "web")):
        assert (await first.take(policy, caller, 4, 4)) == (True, 0, 0)
    for each in {first, second}:
        await each.close()


async def test_requests_at_once_take_no_more_than_there_is(make: Make) -> None:
    limiters = [make() for _ in range(3)]
    taken = await asyncio.gather(*(each.take("r", "web", 10, 1) for each in limiters * 10))
    assert sum(each.is_granted for each in taken if each) == 10
    for each in set(limiters):
        await each.close()


async def test_after_the_wait_there_is_room_and_not_before(clock: Clock) -> None:
    quota = Limiter("", None, "URL")
    assert await quota.take("megapixels", "web", 50, 40) == (True, 10, 0)
    for cost, wait in ((50, 119), (1, 2), (20, 24)):
        refused = await quota.take("megapixels", "web", 50, cost)
        assert refused
        assert (refused.is_granted, refused.wait) == (False, wait)
        clock.now += wait - 1.1  # it is rounded up to seconds
        early = await quota.take("megapixels", "web", 50, cost)
        assert early
        assert not early.is_granted
        clock.now += 1.1
        taken = await quota.take("megapixels", "web", 50, cost)
        assert taken
        assert taken.is_granted
    await quota.close()


async def test_a_quota_comes_back_within_two_minutes_whole(clock: Clock) -> None:
    quota = Limiter("", None, "URL")
    assert await quota.take("requests", "web", 6, 6) == (True, 0, 0)
    clock.now += 90.0
    assert await quota.take("requests", "web", 6, 1) == (True, 2, 0)  # half of the minute before
    clock.now += 90.0
    taken = await quota.take("requests", "web", 6, 1)
    assert taken
    assert taken.left >= 4
    await quota.close()


async def test_what_is_over_is_deleted(clock: Clock, tmp_path: Path) -> None:
    quota = Limiter("", None, "URL")
    for number in range(50):
        await quota.take("requests", str(number), 6, 1)
    clock.now += 121.0
    await quota.take("requests", "last", 6, 1)
    storage = quota._local.storage
    assert await storage.reset() == 1
    await quota.close()


async def test_without_its_redis_a_service_counts_alone_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "service.quota")
    failed: list[bool] = []
    with redis_in(tmp_path) as url:
        quota = Limiter("", url, "SERVICE_RATE_URL")
        quota.failed = lambda: failed.append(True)
        assert await quota.take("requests", "web", 5, 1) == (True, 4, 0)
    assert not caplog.records
    for left in (4, 3):  # of its own
        assert await quota.take("requests", "web", 5, 1) == (True, left, 0)
    monkeypatch.setattr(limiter, "AGAIN_SECONDS", 0.0)
    quota._again = 0.0
    assert await quota.take("requests", "web", 5, 1) == (True, 2, 0)
    (record,) = caplog.records
    assert "SERVICE_RATE_URL: expected a Redis that answers, received" in record.getMessage()
    assert len(failed) == 2
    with redis_in(tmp_path):
        assert quota._shared
        while not await quota._shared.storage.check():  # it reads what it has stored
            await asyncio.sleep(0.01)
        assert await quota.take("requests", "web", 5, 1) == (True, 3, 0)  # as that Redis knows
    assert "quotas are shared again" in caplog.records[-1].getMessage()
    await quota.close()


async def test_a_redis_that_does_not_answer_delays_no_second_request(tmp_path: Path) -> None:
    failed: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        quota = Limiter("", f"redis://127.0.0.1:{silent.getsockname()[1]}", "URL")
        quota.failed = lambda: failed.append(True)
        for left in (2, 1, 0):
            assert await quota.take("requests", "web", 3, 1) == (True, left, 0)
        await quota.close()
    assert failed == [True]


def test_a_url_that_is_none_of_a_redis_is_refused() -> None:
    with pytest.raises(StartupError, match="SETTING: expected the URL of a Redis, received"):
        Limiter("", "http://127.0.0.1", "SETTING")
    with pytest.raises(StartupError, match="quotas: expected /nowhere/counts to be writable"):
        Limiter("/nowhere/counts", None, "SETTING")


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
