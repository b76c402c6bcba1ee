"""Server-sent events of jobs."""

from pathlib import Path

import pytest

from service.api.jobs import events
from tests.service.asgi import check_problem, follow, lifespan
from tests.service.gate import Gate
from tests.service.job_requests import create
from tests.service.tiny import Start


async def test_events_tell_of_a_job_until_its_end(start: Start, gate: Gate, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(client):
        gate.close()
        path = await create(client)
        await gate.reached()
        stream = await follow(client, f"{path}/events")
        gate.open()
        events = [event.split("\n") for event in (await stream.text()).strip().split("\n\n")]
        assert [event[0] for event in events] == ["event: progress", "event: end"]
        assert '"state":"running"' in events[0][1]
        assert events[-1][1] == f"data: {(await client.get(path)).text}"
        again = await client.get(f"{path}/events")
        assert again.headers["content-type"].startswith("text/event-stream")
        assert again.text.startswith("event: end\n")


async def test_streams_of_events_are_bounded(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_STREAMS", 1)
    client = start(jobs_dir=str(tmp_path / "jobs"))
    path = await create(client)
    for _ in range(2):  # the first is not counted once it has ended
        stream = await follow(client, f"{path}/events")
        check_problem(await client.get(f"{path}/events"), 429, "overloaded")
        await client.delete(path)
        assert (await stream.text()).count("event: progress\n") == 1
        path = await create(client)


async def test_a_stream_ends_where_its_job_is_forgotten(start: Start, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"))
    path = await create(client)
    stream = await follow(client, f"{path}/events")
    for _ in range(2):  # one cancels it, one forgets it, before the stream looks again
        await client.delete(path)
    [event, _] = (await stream.text()).split("\n\n")
    assert event.startswith("event: progress\n")
    assert '"state":"queued"' in event
