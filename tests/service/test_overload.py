"""More than the service can do: refused at once, too late, or for nobody any more."""

import asyncio
import gzip
import json
import random
import re
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.api import body as bodies
from service.inference import batcher as batching
from service.inference.admission import Admission
from tests.service.asgi import AS_JSON, Caller, application_of, check_problem
from tests.service.gate import Gate
from tests.service.job_requests import picture, until
from tests.service.tiny import Start

BODY = {"inputs": [[[0.0] * 4] * 4]}


async def test_a_full_queue_answers_429_at_once_and_loses_nothing(start: Start, gate: Gate) -> None:
    client = start(max_queue_items=2)
    gate.close()
    admitted = [asyncio.create_task(client.post("/encode", json=BODY)) for _ in range(2)]
    await gate.reached()
    refused = await client.post("/encode", json=BODY)
    detail = check_problem(refused, 429, "overloaded")
    most = "queue: expected at most 2 waiting items (SERVICE_MAX_QUEUE_ITEMS), received more"
    assert detail == most
    assert int(refused.headers["Retry-After"]) >= 1
    gate.open()
    assert [(await each).status_code for each in admitted] == [200, 200]
    assert (await client.post("/encode", json=BODY)).status_code == 200


async def test_bodies_that_are_still_to_come_are_no_items(start: Start, gate: Gate) -> None:
    client = start(max_queue_items=2)
    may_come = asyncio.Event()

    async def late() -> AsyncIterator[bytes]:
        await may_come.wait()
        yield json.dumps(BODY).encode()

    slow = [
        asyncio.create_task(client.post("/encode", content=late(), headers=AS_JSON))
        for _ in range(5)
    ]
    await asyncio.sleep(0.1)
    assert (await client.post("/encode", json=BODY)).status_code == 200
    gate.close()
    may_come.set()
    while sum(each.done() for each in slow) < 3:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.01)
    gate.open()
    assert sorted([(await each).status_code for each in slow]) == [200, 200, 429, 429, 429]


async def test_a_response_that_is_being_read_takes_no_pixels(start: Start) -> None:
    url, sent, headers = "/denoise?model=photo", picture(), {"Content-Type": "image/png"}
    client = start(max_queue_pixels=40 * 24, max_queue_bytes=11 * len(sent) // 2)
    reading = []
    for _ in range(3):
        reading.append(Caller(application_of(client), "POST", url, sent, headers))
        reading[-1].reads.clear()
        await until(lambda: reading[-1].status > 0)
    assert [each.status for each in reading] == [200, 200, 200]
    metrics = (await client.get("/metrics")).text
    kept = re.search(r"autoencoder_in_flight_bytes (\d\S*)", metrics)
    assert kept
    responses = sum(int(dict(each.sent[0]["headers"])[b"content-length"]) for each in reading)
    assert float(kept[1]) == 3 * len(sent) + responses
    refused = Caller(application_of(client), "POST", url, sent, headers)
    assert "bytes of waiting requests" in await refused.text()
    assert refused.status == 429
    for each in reading:
        each.reads.set()
        await asyncio.wait_for(each.task, 30)
    assert (await client.post(url, content=sent, headers=headers)).status_code == 200


async def test_a_queue_that_is_full_of_bytes_answers_429(start: Start, gate: Gate) -> None:
    client = start(max_queue_bytes=150)
    gate.close()
    admitted = asyncio.create_task(client.post("/encode", json=BODY))
    await gate.reached()
    detail = check_problem(await client.post("/encode", json=BODY), 429, "overloaded")
    most = "queue: expected at most 150 bytes of waiting requests (SERVICE_MAX_QUEUE_BYTES)"
    assert detail.startswith(f"{most}, received ")
    assert int(detail.rpartition(" ")[2]) > 150
    gate.open()
    assert (await admitted).status_code == 200


async def test_a_body_takes_room_as_large_as_it_is_decompressed(start: Start, gate: Gate) -> None:
    client = start(max_queue_bytes=5000)
    sent = gzip.compress(b'{"inputs": [' + b" " * 10_000 + b"[[0, 0, 0, 0]]]}")
    assert len(sent) < 200
    gate.close()
    admitted = asyncio.create_task(client.post("/encode", json=BODY))
    await gate.reached()
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    refused = await client.post("/encode", content=sent, headers=headers)
    detail = check_problem(refused, 429, "overloaded")
    assert int(detail.rpartition("received ")[2]) > 10_000
    gate.open()
    assert (await admitted).status_code == 200
    assert (await client.post("/encode", content=sent, headers=headers)).status_code == 422


async def test_a_request_past_its_deadline_is_a_503_and_never_runs(
    start: Start, gate: Gate
) -> None:
    client = start(timeout=0.2)
    gate.close()
    running = asyncio.create_task(client.post("/encode", json=BODY))
    await gate.reached()
    late = await client.post("/encode", json=BODY)
    detail = check_problem(late, 503, "deadline-exceeded")
    assert "within 0.2 s" in detail
    assert int(late.headers["Retry-After"]) >= 1
    check_problem(await running, 503, "deadline-exceeded")
    gate.open()
    assert (await client.post("/encode", json=BODY)).status_code == 200
    assert gate.batches == [1, 1]  # the one that was running, and the last


async def test_a_client_that_goes_while_it_waits_takes_no_turn(start: Start, gate: Gate) -> None:
    client = start()
    gate.close()
    running = asyncio.create_task(client.post("/encode", json=BODY))
    await gate.reached()
    leaving = Caller(application_of(client), "POST", "/encode", BODY, AS_JSON)
    await asyncio.sleep(0.1)  # longer than it takes until the client is watched
    leaving.gone.set()
    await asyncio.wait_for(leaving.task, 30)
    assert leaving.sent == []
    gate.open()
    assert (await running).status_code == 200
    assert gate.batches == [1]


async def test_models_and_health_answer_while_a_batch_runs(start: Start, gate: Gate) -> None:
    client = start()
    gate.close()
    running = asyncio.create_task(client.post("/encode", json=BODY))
    await gate.reached()
    for path in ("/models", "/health/live", "/health/ready", "/metrics"):
        assert (await client.get(path)).status_code == 200
    gate.open()
    assert (await running).status_code == 200


async def test_a_batch_that_has_hung_makes_the_service_not_live(
    start: Start, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start()
    gate.close()
    running = asyncio.create_task(client.post("/encode", json=BODY))
    await gate.reached()
    monkeypatch.setattr(batching.Batcher, "busy_for", lambda self: 61.0)
    detail = check_problem(await client.get("/health/live"), 503, "not-live")
    assert "expected a batch to end within 60 s" in detail
    gate.open()
    assert (await running).status_code == 200


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_a_compressed_body_is_read(
    client: httpx.AsyncClient, encoding: str, compress: Any
) -> None:
    body = b'{"inputs": [[[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]]}'
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    for padding in (b"", b" " * 50_000_000):  # a large one is read aside
        answer = await client.post("/encode", content=compress(body + padding), headers=headers)
        assert answer.json()["outputs"] == [[1.0] + [0.0] * 15]


@pytest.mark.parametrize("content", [b"", b" "])
async def test_a_body_of_many_gzip_members_takes_no_longer_than_its_size_asks_for(
    client: httpx.AsyncClient, content: bytes
) -> None:
    body = b'{"inputs": [[[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]]}'
    members = gzip.compress(body, mtime=0) + gzip.compress(content, mtime=0) * 50_000
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    began = time.process_time()
    answer = await client.post("/encode", content=members, headers=headers)
    assert time.process_time() - began < 3.0
    assert answer.json()["outputs"] == [[1.0] + [0.0] * 15]


@pytest.mark.parametrize("size", [bodies.FED - 1, bodies.FED, 5 * bodies.STEP + 1])
async def test_a_body_that_cannot_be_compressed_comes_out_as_it_went_in(size: int) -> None:
    sent = random.Random(0).randbytes(size)
    admission = Admission(max_items=1, max_bytes=1)
    compressed = gzip.compress(sent, 1) + gzip.compress(sent, 0)
    with admission.admit(len(compressed)) as ticket:
        assert await bodies.decompress(memoryview(compressed), "gzip", 2 * size, ticket) == 2 * sent
        assert ticket.bytes == len(compressed) + 2 * size


async def test_a_compressed_body_is_no_way_around_the_limit(start: Start) -> None:
    client = start(max_body_bytes=1000)
    bomb = gzip.compress(b" " * 10_000_000, 9)[:900]
    answer = await client.post("/encode", content=bomb, headers={"Content-Encoding": "gzip"})
    assert "decompressed" in check_problem(answer, 413, "body-too-large")


@pytest.mark.parametrize(
    ("encoding", "content", "status", "code"),
    [
        ("br", b"x", 415, "unsupported-media-type"),
        ("gzip", b"no gzip", 400, "malformed-body"),
        ("gzip", gzip.compress(b"{}" * 100, mtime=0)[:-9], 400, "malformed-body"),
    ],
)
async def test_a_body_that_is_not_as_its_encoding_says_is_explained(
    client: httpx.AsyncClient, encoding: str, content: bytes, status: int, code: str
) -> None:
    answer = await client.post("/encode", content=content, headers={"Content-Encoding": encoding})
    detail = check_problem(answer, status, code)
    assert f"received{'' if encoding == 'gzip' else ' br'}" in detail
    assert "Error" not in detail  # as zlib has it


async def test_a_request_that_the_server_waits_for_no_longer_is_told_so(
    start: Start, gate: Gate
) -> None:
    app = application_of(start())
    gate.close()
    waiting = Caller(app, "POST", "/encode", BODY, AS_JSON)
    await gate.reached()
    waiting.task.cancel()
    assert '"code":"shutting-down"' in await waiting.text()
    assert waiting.status == 503
    gate.open()
