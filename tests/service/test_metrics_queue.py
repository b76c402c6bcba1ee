"""What Prometheus is told of batches, of what waits for them, and of what finds no room."""

import asyncio
import io
import time

import httpx
import numpy as np
import pytest

from tests.service.gate import Gate
from tests.service.scraping import Value, scrape
from tests.service.tiny import Start

IMAGE = [[0.0] * 4] * 4
BODY = {"inputs": [IMAGE]}


async def until_queued(client: httpx.AsyncClient, model: str, requests: int) -> Value:
    """Wait until so many requests wait for a session, and return the metrics then."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        value = await scrape(client)
        if value("queue_requests", operation="encode", model=model) == requests:
            return value
    pytest.fail(f"expected {requests} requests in the queue")


async def test_batches_are_counted_by_their_items_and_requests(start: Start, gate: Gate) -> None:
    client = start()
    gate.close()
    first = asyncio.create_task(client.post("/encode", json={"inputs": [IMAGE] * 3}))
    await gate.reached()
    others = [asyncio.create_task(client.post("/encode", json=BODY)) for _ in range(4)]
    await until_queued(client, "mirror", 4)
    gate.open()
    assert {(await each).status_code for each in (first, *others)} == {200}
    value = await scrape(client)
    served = {"operation": "encode", "model": "mirror"}
    assert value("batch_items_count", **served) == 2
    assert value("batch_items_sum", **served) == 3 + 4
    assert value("batch_requests_sum", **served) == 1 + 4
    assert value("batch_items_bucket", **served, le="2.0") == 0
    assert value("batch_items_bucket", **served, le="4.0") == 2
    assert value("batch_requests_bucket", **served, le="1.0") == 1


async def test_what_waits_and_what_is_in_flight_is_seen_while_a_batch_runs(
    start: Start, gate: Gate
) -> None:
    client = start()
    gate.close()
    running_one = asyncio.create_task(client.post("/encode", json={"inputs": [IMAGE] * 3}))
    await gate.reached()
    waiting = [asyncio.create_task(client.post("/encode", json=BODY)) for _ in range(2)]
    value = await until_queued(client, "mirror", 2)
    first_age = value("queue_age_seconds", operation="encode", model="mirror") or 0.0
    await asyncio.sleep(0.05)
    value = await scrape(client)
    age = value("queue_age_seconds", operation="encode", model="mirror") or 0.0
    assert first_age + 0.05 <= age < 30
    assert age < (value("batch_age_seconds", operation="encode", model="mirror") or 0.0) < 30
    assert value("batch_age_seconds", operation="denoise", model="half") == 0
    assert value("in_flight_requests") == 3
    assert value("in_flight_items") == 5
    assert (value("in_flight_bytes") or 0) > 5 * 16 * 4
    assert value("queue_requests", operation="denoise", model="half") == 0
    gate.open()
    await asyncio.gather(running_one, *waiting)
    value = await scrape(client)
    for name in ("in_flight_requests", "in_flight_items", "in_flight_bytes"):
        assert value(name) == 0
    assert value("queue_requests", operation="encode", model="mirror") == 0
    assert value("queue_age_seconds", operation="encode", model="mirror") == 0
    assert value("batch_age_seconds", operation="encode", model="mirror") == 0


async def test_the_queues_of_several_versions_are_added_up(start: Start, gate: Gate) -> None:
    client = start(default_encode="half")
    gate.close()
    tasks = []
    for version in (1, 2):
        tasks.append(asyncio.create_task(client.post(f"/encode?version={version}", json=BODY)))
        await gate.reached()
        tasks.append(asyncio.create_task(client.post(f"/encode?version={version}", json=BODY)))
    await until_queued(client, "half", 2)
    gate.open()
    assert {(await task).status_code for task in tasks} == {200}


async def test_what_a_full_queue_refuses_is_counted(start: Start, gate: Gate) -> None:
    client = start(max_queue_items=1)
    gate.close()
    admitted = asyncio.create_task(client.post("/encode", json=BODY))
    await gate.reached()
    assert [(await client.post("/encode", json=BODY)).status_code for _ in range(2)] == [429] * 2
    value = await scrape(client)
    assert value("rejected_total") == 2
    assert value("requests_total", operation="encode", model="", status="429") == 2
    assert value("in_flight_requests") == 1
    gate.open()
    assert (await admitted).status_code == 200


async def test_pixels_of_photographs_are_counted(start: Start, gate: Gate) -> None:
    client = start()
    stream = io.BytesIO()
    np.save(stream, np.zeros((1, 10, 20, 3), np.uint8))
    gate.close()
    asked = asyncio.create_task(client.post("/denoise?model=photo", content=stream.getvalue()))
    await gate.reached()
    # The model takes multiples of 8.
    assert (await scrape(client))("in_flight_pixels") == 16 * 24
    gate.open()
    assert (await asked).status_code == 200
    value = await scrape(client)
    assert value("in_flight_pixels") == 0
    assert value("pixels_total", operation="denoise", model="photo") == 16 * 24
