"""What Prometheus is told: counted by model and status, timed by stage, added up over workers."""

import asyncio
import io
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from service.app import create_app
from service.inference.admission import Admission
from service.inference.batcher import Batch
from service.inference.control import Control
from service.inference.loader import load
from service.inference.registry import ModelRegistry
from service.inference.repository import Repository
from service.settings import Settings
from service.telemetry.gauges import PROC
from service.telemetry.histogram import observe
from service.telemetry.metrics import BUFFERED, SHARED, Metrics
from tests.service.asgi import lifespan
from tests.service.gate import Gate
from tests.service.running import ROOT, running
from tests.service.tiny import Start, write_model

IMAGE = [[0.0] * 4] * 4
BODY = {"inputs": [IMAGE]}
STAGES = ("parse", "queue", "inference", "write")
Value = Callable[..., float | None]


def reader(text: str) -> Value:
    """Return what looks up a metric in Prometheus's text by its name and all of its labels."""
    values = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    def value(name: str, **labels: str) -> float | None:
        return values.get((f"autoencoder_{name}", frozenset(labels.items())))

    return value


async def scrape(client: httpx.AsyncClient) -> Value:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return reader(answer.text)


async def until_queued(client: httpx.AsyncClient, model: str, requests: int) -> Value:
    """Wait until so many requests wait for a session, and return the metrics then."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        value = await scrape(client)
        if value("queue_requests", operation="encode", model=model) == requests:
            return value
    pytest.fail(f"expected {requests} requests in the queue")


async def test_requests_are_counted_by_operation_model_and_status(
    client: httpx.AsyncClient,
) -> None:
    for _ in range(3):
        await client.post("/encode", json=BODY)
    await client.post("/denoise", json=BODY)
    await client.post("/denoise", json={"inputs": [[1]]})
    value = await scrape(client)
    assert value("requests_total", operation="encode", model="mirror", status="200") == 3
    assert value("requests_total", operation="denoise", model="half", status="200") == 1
    assert value("requests_total", operation="denoise", model="half", status="422") == 1
    assert value("request_seconds_count", operation="denoise", model="half") == 2
    assert value("rejected_total") == 0


async def test_a_name_that_no_model_has_becomes_no_label(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.post(f"/encode?model=invented-{number}", json=BODY)
        await client.post(f"/v2/models/half.invented-{number}/infer", json={})
    text = (await client.get("/metrics")).text
    assert "invented" not in text
    assert reader(text)("requests_total", operation="encode", model="", status="404") == 3
    assert reader(text)("requests_total", operation="", model="", status="404") == 3


async def test_control_of_the_repository_is_counted_by_what_was_asked(
    client: httpx.AsyncClient, models: Path
) -> None:
    await client.post("/v2/repository/index")
    await client.post("/v2/repository/models/half.denoise/unload")
    (models / "half" / "2" / "encode.onnx").write_bytes(b"no graph")
    await client.post("/v2/repository/models/half.denoise/load")
    value = await scrape(client)
    for operation, status in (("index", "200"), ("unload", "200"), ("load", "500")):
        assert value("requests_total", operation=operation, model="", status=status) == 1
        assert value("request_seconds_count", operation=operation, model="") == 1


async def test_a_version_is_ready_as_long_as_one_of_its_operations_is(
    client: httpx.AsyncClient,
) -> None:
    for operation, ready in (("encode", 1), ("decode", 0)):
        await client.post(f"/v2/repository/models/mirror.{operation}/unload")
        assert (await scrape(client))("model_ready", model="mirror", version="1") == ready
    await client.post("/v2/repository/models/mirror.decode/load")
    assert (await scrape(client))("model_ready", model="mirror", version="1") == 1


async def test_what_the_frameworks_answer_is_not_counted(client: httpx.AsyncClient) -> None:
    await client.get("/models")
    await client.get("/nothing")
    assert "autoencoder_requests_total{" not in (await client.get("/metrics")).text


async def test_stages_are_timed_within_the_whole_request(client: httpx.AsyncClient) -> None:
    await client.post("/encode", json=BODY)
    await client.post("/encode", json=BODY)
    value = await scrape(client)
    served = {"operation": "encode", "model": "mirror"}
    sums = [value("stage_seconds_sum", **served, stage=stage) or 0.0 for stage in STAGES]
    assert min(sums) > 0
    assert sum(sums) < (value("request_seconds_sum", **served) or 0.0)
    for stage in STAGES:
        assert value("stage_seconds_count", **served, stage=stage) == 2
        assert value("stage_seconds_bucket", **served, stage=stage, le="+Inf") == 2


async def test_the_stages_of_a_request_that_failed_are_not_counted(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/encode", json={"inputs": [[1]]})
    value = await scrape(client)
    served = {"operation": "encode", "model": "mirror"}
    assert value("request_seconds_count", **served) == 1
    assert value("stage_seconds_count", **served, stage="parse") == 0


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


async def test_versions_that_fail_to_load_or_go_are_seen(models: Path) -> None:
    repository = Repository(models, load, Control())
    metrics, admission = Metrics(), Admission(max_items=1, max_bytes=1)

    def look() -> Value:
        metrics.update(repository.registry, admission)
        return reader(metrics.text().decode())

    value = look()
    for name, version in (("half", "1"), ("half", "2"), ("mirror", "1")):
        assert value("model_ready", model=name, version=version) == 1
        assert value("model_load_failed", model=name, version=version) == 0
    assert value("model_ready", model="half", version="3") is None

    # A version that is broken from the start, one that breaks while it is served, one that goes.
    (write_model(models, "half", 3) / "encode.onnx").write_bytes(b"broken")
    (models / "half" / "2" / "encode.onnx").write_bytes(b"broken")
    (models / "half" / "1" / "manifest.json").unlink()
    await repository.refresh()
    await repository.unload("mirror", "encode")
    await repository.unload("mirror", "decode")
    value = look()
    assert value("model_ready", model="half", version="3") == 0
    assert value("model_load_failed", model="half", version="3") == 1
    assert value("model_ready", model="half", version="2") == 1  # as it was before
    assert value("model_load_failed", model="half", version="2") == 1
    assert value("model_ready", model="half", version="1") == 0
    assert value("model_load_failed", model="half", version="1") == 0
    assert value("model_ready", model="mirror", version="1") == 0
    assert value("model_load_failed", model="mirror", version="1") == 0


async def test_the_provider_in_use_and_the_memory_are_told(client: httpx.AsyncClient) -> None:
    value = await scrape(client)
    assert value("execution_provider_info", provider="CPUExecutionProvider") == 1
    assert value("execution_provider_info", provider="CUDAExecutionProvider") is None
    if PROC.exists():
        assert 1e7 < (value("resident_memory_bytes") or 0) < 1e11


async def test_every_metric_is_documented_with_its_type_and_its_labels(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/encode", json=BODY)
    await client.post("/denoise?model=photo", json={"inputs": [[[[0.5] * 3]]]})
    text = (await client.get("/metrics")).text
    exposed = {}
    for family in text_string_to_metric_families(text):
        if family.name.startswith("autoencoder_"):
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            ending = "_total" if family.type == "counter" else ""
            exposed[family.name + ending] = (family.type, labels)
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `(autoencoder_\w+)` \| (\w+) \| (.*?) ?\| ", page, re.MULTILINE)
    assert exposed == {
        name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows
    }


def test_values_observed_together_fill_the_buckets_that_each_would_fill() -> None:
    bounds = (0.5, 1, 2)
    values = (0.0, 0.5, 0.5625, 1.0, 1.5, 2.0, 2.125, 100.0)  # exact in binary

    def text(fill: Callable[[Histogram], None]) -> list[str]:
        registry = CollectorRegistry()
        fill(Histogram("seconds", "x", ("a",), buckets=bounds, registry=registry).labels("b"))
        return generate_latest(registry).decode().splitlines()

    def each(histogram: Histogram) -> None:
        for value in values:
            histogram.observe(value)

    def together(histogram: Histogram) -> None:
        observe(histogram, values[:4])
        observe(histogram, values[4:5])
        observe(histogram, values[5:])

    assert text(together) == text(each)


def test_what_is_buffered_is_bounded_and_none_of_it_is_lost() -> None:
    metrics = Metrics()
    stages = {"parse": 0.25}
    count = 2 * BUFFERED + 1
    for status in (200, 429):
        for _ in range(count):
            metrics.answered("encode", "mirror", status, 0.5, stages if status == 200 else {})
    served = {"operation": "encode", "model": "mirror"}
    assert reader(metrics.text().decode())("request_seconds_count", **served) == 2 * count - 2
    for _ in range(count):
        metrics.ran("mirror", "encode", Batch(items=3, requests=2, inference=0.1, pixels=7))
    assert reader(metrics.text().decode())("batch_items_count", **served) == count - 1
    metrics.update(ModelRegistry({}), Admission(max_items=1, max_bytes=1))
    value = reader(metrics.text().decode())
    assert value("requests_total", **served, status="200") == count
    assert value("requests_total", **served, status="429") == count
    assert value("rejected_total") == count
    assert value("request_seconds_count", **served) == 2 * count
    assert value("request_seconds_sum", **served) == count
    assert value("stage_seconds_count", **served, stage="parse") == count
    assert value("stage_seconds_sum", **served, stage="parse") == count / 4
    assert value("batch_items_sum", **served) == 3 * count
    assert value("batch_requests_sum", **served) == 2 * count
    assert value("pixels_total", **served) == 7 * count


@pytest.mark.slow
@pytest.mark.skipif(not PROC.exists(), reason="needs /proc")
def test_workers_are_added_up_and_the_gauges_of_a_killed_one_vanish(models: Path) -> None:
    served = {"operation": "encode", "model": "mirror"}
    with running(models, "--workers=2") as service:

        def until(wanted: Callable[[Value], bool]) -> Value:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                value = reader(
                    httpx.get(f"{service.url}/metrics", trust_env=False, verify=False).text
                )
                if wanted(value):
                    return value
                time.sleep(0.1)
            pytest.fail("expected other metrics, received:\n" + service.log.read_text())

        def ask(times: int) -> None:
            for _ in range(times):  # each on a connection of its own, for any worker to take
                answer = httpx.post(
                    f"{service.url}/encode", json=BODY, trust_env=False, verify=False
                )
                assert answer.status_code == 200

        ask(20)
        counted = until(lambda value: value("requests_total", **served, status="200") == 20)
        assert counted("stage_seconds_count", **served, stage="inference") == 20
        assert counted("batch_items_sum", **served) == 20
        assert counted("model_ready", model="half", version="2") == 1
        first, second = workers(service.process.pid)

        def both_report(value: Value) -> bool:
            memory = resident(first) + resident(second)
            return value("resident_memory_bytes") == pytest.approx(memory, rel=0.2)

        until(both_report)

        folder = Path(environment(first)[SHARED])
        assert list(folder.glob(f"gauge_live*_{first}.db"))
        os.kill(first, signal.SIGKILL)
        until(lambda _: not list(folder.glob(f"gauge_live*_{first}.db")))
        ask(5)
        counted = until(lambda value: value("requests_total", **served, status="200") == 25)
        assert counted("model_ready", model="half", version="2") == 1


@pytest.mark.slow
@pytest.mark.skipif(not PROC.exists(), reason="needs /proc")
def test_workers_that_end_in_good_order_hand_on_all_that_they_counted(models: Path) -> None:
    wanted = 'autoencoder_requests_total{model="mirror",operation="encode",status="200"} 20.0'
    with running(models, "--workers=2", "--drain-seconds=0") as service:
        first = workers(service.process.pid)
        for _ in range(20):
            httpx.post(
                f"{service.url}/encode", json=BODY, trust_env=False, verify=False
            ).raise_for_status()
        for process in first:
            os.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while set(first) & set(workers(service.process.pid)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert (
            wanted
            in httpx.get(f"{service.url}/metrics", timeout=30, trust_env=False, verify=False).text
        )


async def test_a_worker_tells_its_metrics_after_a_fault(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    update = Metrics.update
    calls = 0

    def fail_first(self: Metrics, models: ModelRegistry, admission: Admission) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("a disk that went away")
        update(self, models, admission)

    monkeypatch.setattr(Metrics, "update", fail_first)
    settings = Settings(models=models, device="cpu")
    app = create_app(settings, shared=tmp_path / "shared")
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client,
        lifespan(client),
        asyncio.timeout(30),
    ):
        while calls < 2:  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(0.05)
    assert "cannot update the metrics" in caplog.text


def workers(supervisor: int) -> list[int]:
    """The processes that a supervisor started to answer requests."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        if parent == supervisor and b"spawn_main" in command:
            found.append(int(folder.name))
    return found


def environment(process: int) -> dict[str, str]:
    entries = (PROC / str(process) / "environ").read_text().split("\0")
    return {name: value for name, _, value in (entry.partition("=") for entry in entries)}


def resident(process: int) -> int:
    """The memory of a process, in bytes."""
    pages = int((PROC / str(process) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


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
