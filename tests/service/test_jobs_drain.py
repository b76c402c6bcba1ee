"""Jobs while the service shuts down: no more are taken, and those that run go on until the stop."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.asgi import lifespan
from tests.service.gate import Gate
from tests.service.job_requests import create, finished
from tests.service.tiny import Start


@pytest.fixture
def stopped() -> Iterator[list[int]]:
    """The signals that reach whoever handles them after the drain, as uvicorn does."""
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def receive(number: int, _: object) -> None:
        received.append(number)

    for number in before:
        signal.signal(number, receive)
    yield received
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "drain_seconds"), [(signal.SIGTERM, 60.0), (signal.SIGTERM, 0.0), (signal.SIGINT, 0)]
)
async def test_no_job_is_taken_once_a_shutdown_has_begun(
    start: Start,
    gate: Gate,
    tmp_path: Path,
    stopped: list[int],
    number: int,
    drain_seconds: float,
) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"), drain_seconds=drain_seconds)
    async with lifespan(client):
        gate.close()
        running, queued = await create(client), await create(client)
        await gate.reached()
        os.kill(os.getpid(), number)
        late = await create(client)  # is stored for the next process
        gate.open()
        assert (await finished(client, running))["state"] == "succeeded"
        assert (await client.get(queued)).json()["state"] == "queued"
    assert len(gate.batches) == 1
    assert stopped == ([number] if not drain_seconds else [])
    second = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(second):
        for path in (queued, late):
            assert (await finished(second, path))["state"] == "succeeded"


async def test_a_job_that_was_given_back_runs_before_those_that_wait(
    start: Start, gate: Gate, tmp_path: Path
) -> None:
    first = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(first):
        gate.close()
        paths = [await create(first) for _ in range(3)]
        await gate.reached()
    gate.open()
    second = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(second):
        ended = [await finished(second, path) for path in paths]
    times = [str(each["finished"]) for each in ended]
    assert times == sorted(times)
