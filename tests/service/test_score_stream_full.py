"""A stream of scores while the queue is full: its windows wait, no longer than the time limit."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.asgi import check_problem
from tests.service.gate import Gate
from tests.service.tiny import Start, write_model

BODY = {"inputs": [[[0.0] * 4] * 4]}
PATH, HEADERS = "/score/stream?model=series", {"Content-Type": "application/x-ndjson"}
ROWS = [json.dumps({"x": float(x * x), "y": 0.0}).encode() + b"\n" for x in range(8)]


class Sensor:
    """Sends three rows, which are a window, and the others when it is told to."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.is_asked, self.goes_on = asyncio.Event(), asyncio.Event()
        self.answer = asyncio.create_task(client.post(PATH, content=self._rows(), headers=HEADERS))

    async def _rows(self) -> AsyncIterator[bytes]:
        for number, row in enumerate(ROWS):
            if number == 3:
                self.is_asked.set()  # for more, as the first window is scored
                await self.goes_on.wait()
            yield row

    async def lines(self) -> list[dict[str, Any]]:
        answer = await self.answer
        assert answer.status_code == 200
        return [json.loads(line) for line in answer.content.splitlines()]


async def fill(client: httpx.AsyncClient, gate: Gate) -> list[asyncio.Task[httpx.Response]]:
    """Let two requests, as many as there is room for, stand before the gate."""
    gate.close()
    admitted = [asyncio.create_task(client.post("/encode", json=BODY)) for _ in range(2)]
    await gate.reached()
    return admitted


@pytest.fixture
def series(models: Path) -> None:
    write_model(models, "series")


@pytest.mark.usefixtures("series")
async def test_windows_wait_until_there_is_room(start: Start, gate: Gate) -> None:
    client = start(max_queue_items=2)
    sensor = Sensor(client)
    await sensor.is_asked.wait()
    admitted = await fill(client, gate)
    check_problem(await client.post("/encode", json=BODY), 429, "overloaded")
    before = list(gate.batches)
    sensor.goes_on.set()
    await asyncio.sleep(0.2)
    assert gate.batches == before
    gate.open()
    *windows, end = await sensor.lines()
    assert [each["start"] for each in windows] == [0, 2, 4]
    assert end == {"rows": 8, "rows_left_over": 1}
    assert [(await each).status_code for each in admitted] == [200, 200]
    assert (await client.post("/encode", json=BODY)).status_code == 200  # nothing is left behind


@pytest.mark.usefixtures("series")
async def test_windows_that_find_no_room_in_time_end_the_stream(start: Start, gate: Gate) -> None:
    client = start(max_queue_items=2, timeout=0.5)
    sensor = Sensor(client)
    await sensor.is_asked.wait()
    admitted = await fill(client, gate)
    sensor.goes_on.set()
    first, last = await sensor.lines()
    assert first["start"] == 0
    assert last["error"]["code"] == "deadline-exceeded"
    assert last["error"]["detail"] == "timeout: expected scores within 0.5 s, received none"
    gate.open()
    assert [(await each).status_code for each in admitted] == [503, 503]
    assert (await client.post("/encode", json=BODY)).status_code == 200
