"""The export of a replica's metrics to Ray."""

import asyncio
import contextlib

import pytest
from prometheus_client.metrics_core import Metric

from service.ray import metrics
from tests.ray.conftest import NEEDS_RAY

pytest.importorskip("ray", reason=NEEDS_RAY)


@pytest.mark.parametrize("fails", ["update", "collect"])
async def test_the_export_goes_on_after_an_error_which_is_logged(
    fails: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metrics, "SECONDS", 0.0)
    exported = asyncio.Event()
    loop = asyncio.get_running_loop()
    done = {"update": 0, "collect": 0}

    def count(name: str) -> None:
        done[name] += 1
        if name == fails and done[name] == 1:
            raise ValueError(f"{name} fails once")

    def collect() -> list[Metric]:
        count("collect")
        loop.call_soon_threadsafe(exported.set)
        return []

    following = asyncio.create_task(metrics.RayMetrics(collect).follow(lambda: count("update")))
    await asyncio.wait_for(exported.wait(), 30)
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    assert [str(each.exc_info[1]) for each in caplog.records if each.exc_info] == [
        f"{fails} fails once"
    ]
