"""What Prometheus is told of requests and models: counted by status, timed by stage."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from service import __version__
from service.access.allowance import Allowance
from service.inference.admission import Admission
from service.inference.batcher import Batch
from service.inference.control import Control
from service.inference.loader import load
from service.inference.registry import ModelRegistry
from service.inference.repository import Repository
from service.telemetry.histogram import observe
from service.telemetry.metrics import BUFFERED, Metrics
from service.telemetry.shared_files import PROC
from tests.service.keys import lines, made
from tests.service.running import ROOT
from tests.service.scraping import Value, reader, scrape
from tests.service.tiny import Start, write_model

BODY = {"inputs": [[[0.0] * 4] * 4]}
STAGES = ("parse", "queue", "inference", "write")


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
    assert value("errors_total", operation="denoise", code="shape-mismatch") == 1
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


async def test_the_provider_the_version_and_the_memory_are_told(
    client: httpx.AsyncClient,
) -> None:
    value = await scrape(client)
    assert value("build_info", version=__version__) == 1
    assert 0 <= time.time() - (value("start_time_seconds") or 0) < 3600
    assert value("execution_provider_info", provider="CPUExecutionProvider") == 1
    assert value("execution_provider_info", provider="CUDAExecutionProvider") is None
    if PROC.exists():
        assert 1e7 < (value("resident_memory_bytes") or 0) < 1e11


async def test_every_metric_is_documented_with_its_type_and_its_labels(start: Start) -> None:
    known = made("web", "infer", "metrics")
    limited = made("limited", allowance=Allowance(requests=1))
    client = start(api_keys=lines(known, limited))
    for _ in range(2):
        await client.get("/models", headers=limited.bearer)
    client.headers.update(known.bearer)
    await client.post("/encode", json=BODY)
    await client.post("/encode", json={})
    await client.post("/denoise?model=photo", json={"inputs": [[[[0.5] * 3]]]})
    text = (await client.get("/metrics")).text
    exposed = {}
    for family in text_string_to_metric_families(text):
        if family.name.startswith("autoencoder_"):
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            ending = "_total" if family.type == "counter" else ""
            exposed[family.name + ending] = (family.type, labels)
    page = (ROOT / "docs" / "metrics.md").read_text()
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
    for _ in range(count):
        metrics.answered("encode", "mirror", 200, 0.5, stages)
        metrics.answered("encode", "mirror", 429, 0.5, {}, "overloaded")
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
