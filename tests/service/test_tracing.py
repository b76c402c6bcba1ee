"""Traces: a span for each request for a model, with its stages inside, sent where it is said."""

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from service.cli import main
from service.inference.session import Session
from service.setting_names import variable
from service.telemetry import logging as logs
from tests.service.running import ROOT, running
from tests.service.tiny import Start

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra [otel]")

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.service.otlp_receiver import Receiver, receiving

BODY = {"inputs": [[[0.0] * 4] * 4] * 3}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "abc-1"}
TRUSTED = ("10.0.0.0/8", "127.0.0.1")
Spans = Callable[[], list[ReadableSpan]]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Spans:
    """What reads the spans that ended since the last time; they are kept here instead of sent."""
    memory = InMemorySpanExporter()
    monkeypatch.setattr(
        "service.telemetry.tracing.BatchSpanProcessor", lambda _: SimpleSpanProcessor(memory)
    )

    def ended() -> list[ReadableSpan]:
        found = list(memory.get_finished_spans())
        memory.clear()
        return found

    return ended


def whole(found: list[ReadableSpan]) -> ReadableSpan:
    """The one span of a request among those of its stages."""
    (span,) = (each for each in found if each.kind == SpanKind.SERVER)
    return span


def times(span: ReadableSpan) -> tuple[int, int]:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time, span.end_time


async def test_a_request_is_a_span_below_its_callers(start: Start, spans: Spans) -> None:
    client = start(traces=True, trace_parents=TRUSTED)
    await client.post("/encode?model=half&version=1", json=BODY, headers=CALLED)
    span = whole(spans())
    assert span.name == "POST /encode"
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == PARENT
    attributes = dict(span.attributes or {})
    assert attributes.pop("user_agent.original") == client.headers["User-Agent"]
    assert attributes == {
        "http.request.method": "POST",
        "http.route": "/encode",
        "http.response.status_code": 200,
        "url.path": "/encode",
        "url.query": "model=half&version=1",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "client.address": "127.0.0.1",
        "autoencoder.operation": "encode",
        "autoencoder.model": "half",
        "autoencoder.version": 1,
        "autoencoder.execution_provider": "CPUExecutionProvider",
        "autoencoder.items": 3,
        "autoencoder.request_id": "abc-1",
    }
    assert span.status.status_code == StatusCode.UNSET


@pytest.mark.parametrize("trusted", [(), ("10.0.0.0/8", "::1")])
async def test_a_caller_that_is_not_trusted_neither_names_a_trace_nor_has_it_recorded(
    start: Start, spans: Spans, monkeypatch: pytest.MonkeyPatch, trusted: tuple[str, ...]
) -> None:
    client = start(traces=True, trace_parents=trusted)
    await client.post("/encode", json=BODY, headers=CALLED)
    span = whole(spans())
    assert span.parent is None
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" != TRACE
    (link,) = span.links
    assert f"{link.context.trace_id:032x}" == TRACE
    assert f"{link.context.span_id:016x}" == PARENT
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    client = start(traces=True, trace_parents=trusted)
    await client.post("/encode", json=BODY, headers=CALLED)
    assert spans() == []


async def test_attributes_are_named_as_the_conventions_name_them(
    start: Start, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start(traces=True)
    monkeypatch.setattr(Session, "run", _fail)
    await client.post("/encode?model=half", json=BODY)
    groups = ("client", "error", "http", "network", "url", "user_agent")
    modules = [
        import_module(f"opentelemetry.semconv.attributes.{each}_attributes") for each in groups
    ]
    known = {value for module in modules for value in vars(module).values() if type(value) is str}
    own = {key for key in whole(spans()).attributes or {} if not key.startswith("autoencoder.")}
    assert "error.type" in own
    assert own <= known


async def test_a_request_without_a_caller_begins_a_trace(start: Start, spans: Spans) -> None:
    client = start(traces=True)
    await client.post("/encode", json=BODY)
    await client.post("/encode", json=BODY, headers={"traceparent": "nonsense"})
    roots = [span for span in spans() if span.kind == SpanKind.SERVER]
    assert [span.parent for span in roots] == [None, None]
    assert len({span.context.trace_id for span in roots if span.context}) == 2


async def test_the_stages_are_spans_inside_it_in_their_order(start: Start, spans: Spans) -> None:
    client = start(traces=True)
    answer = await client.post("/encode", json=BODY)
    found = spans()
    span = whole(found)
    assert span.context is not None
    stages = [each for each in found if each is not span]
    assert [each.name for each in stages] == ["parse", "queue", "inference", "write"]
    assert {each.kind for each in stages} == {SpanKind.INTERNAL}
    assert {each.parent.span_id for each in stages if each.parent} == {span.context.span_id}
    limits = [time for each in stages for time in times(each)]
    began, ended = times(span)
    microsecond = 1000
    for earlier, later in zip([began, *limits], [*limits, ended], strict=True):
        assert earlier <= later + microsecond
    said = dict(each.split(";dur=") for each in answer.headers["Server-Timing"].split(", "))
    for each in stages:
        first, last = times(each)
        assert (last - first) / 1e6 == pytest.approx(float(said[each.name]), abs=0.001)


async def test_an_inference_request_is_named_by_its_route_and_has_stages_too(
    start: Start, spans: Spans
) -> None:
    client = start(traces=True)
    images = {"name": "images", "datatype": "FP32", "shape": [2, 4, 4], "data": [0.5] * 32}
    await client.post("/v2/models/half.denoise/versions/1/infer", json={"inputs": [images]})
    *stages, span = spans()
    assert span.name == "POST /v2/models/{model}/versions/{version}/infer"
    assert span.attributes is not None
    assert span.attributes["url.path"] == "/v2/models/half.denoise/versions/1/infer"
    assert span.attributes["autoencoder.operation"] == "denoise"
    assert span.attributes["autoencoder.model"] == "half"
    assert span.attributes["autoencoder.items"] == 2
    assert [each.name for each in stages] == ["parse", "queue", "inference", "write"]


async def test_a_fault_is_marked_as_an_error_and_a_clients_mistake_is_not(
    start: Start, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start(traces=True)
    await client.post("/encode?model=none", json=BODY)
    (mistake,) = spans()
    monkeypatch.setattr(Session, "run", _fail)
    await client.post("/encode", json=BODY)
    (fault,) = spans()
    assert mistake.attributes is not None
    assert fault.attributes is not None
    assert mistake.attributes["http.response.status_code"] == 404
    assert "autoencoder.model" not in mistake.attributes
    assert mistake.status.status_code == StatusCode.UNSET
    assert fault.attributes["http.response.status_code"] == 500
    assert fault.attributes["error.type"] == "500"
    assert fault.attributes["autoencoder.model"] == "mirror"
    assert fault.status.status_code == StatusCode.ERROR


async def test_log_lines_name_the_trace_in_json(
    start: Start, spans: Spans, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = start(traces=True, trace_parents=TRUSTED)
    logs.set_up("error", "json")
    monkeypatch.setattr(Session, "run", _fail)
    await client.post("/encode", json=BODY, headers=CALLED)
    logging.getLogger("elsewhere").error("afterwards")
    *ours, other = map(json.loads, capsys.readouterr().err.splitlines())
    (span,) = spans()
    assert span.context is not None
    assert len(ours) == 2  # the fault, and the request
    for line in ours:
        assert line["trace_id"] == TRACE
        assert line["span_id"] == f"{span.context.span_id:016x}"
    assert "trace_id" not in other


async def test_the_share_of_requests_that_are_traced_is_the_operators_choice(
    start: Start, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    client = start(traces=True, trace_parents=TRUSTED)
    assert (await client.post("/encode", json=BODY)).status_code == 200
    assert spans() == []
    await client.post("/encode", json=BODY, headers=CALLED)  # the caller wants it, and may
    assert whole(spans())


async def test_only_requests_for_models_are_traced(start: Start, spans: Spans) -> None:
    client = start(traces=True)
    for path in ("/health/ready", "/metrics", "/models"):
        await client.get(path)
    assert spans() == []


def test_without_traces_nothing_of_them_is_even_imported(models: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from service.app import create_app; "
        "from service.settings import Settings; "
        f"create_app(Settings(models=Path({str(models)!r}), device='cpu')); "
        "print([name for name in sys.modules "
        "if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', "
        "'service.telemetry.tracing', 'service.telemetry.otlp'))])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    ("setting", "module", "missing", "further"),
    [
        ("traces", "tracing", "opentelemetry.sdk.trace", ""),
        ("otlp_metrics", "otlp_metrics", "opentelemetry.sdk.metrics.export", ""),
        (
            "otlp_logs",
            "otlp_logs",
            "opentelemetry.instrumentation.logging.handler",
            " and opentelemetry-instrumentation-logging",
        ),
    ],
)
def test_what_needs_the_extra_is_refused_at_the_start_with_what_to_install(
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    module: str,
    missing: str,
    further: str,
) -> None:
    import_module(f"service.telemetry.{module}")
    monkeypatch.delattr(f"service.telemetry.{module}")
    monkeypatch.delitem(sys.modules, f"service.telemetry.{module}")
    monkeypatch.setitem(sys.modules, missing, None)
    flag = "--" + setting.replace("_", "-")
    assert main(["serve", "--models", str(models), "--device", "cpu", flag, "true"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    expected = f"Cannot start: {variable(setting)} ({flag}): expected the extra [otel]"
    assert line.startswith(expected)
    assert f"opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http{further}," in line


@pytest.mark.slow
def test_all_is_sent_where_the_standard_variables_say_the_last_when_it_stops(models: Path) -> None:
    with receiving() as receiver:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_SERVICE_NAME": "ours",
            # In milliseconds: nothing is sent until the end.
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
            "OTEL_BLRP_SCHEDULE_DELAY": "600000",
            "OTEL_METRIC_EXPORT_INTERVAL": "600000",
        }
        flags = (
            *("--traces=true", "--otlp-metrics=true", "--otlp-logs=true"),
            "--trace-parents=127.0.0.1",
        )
        with (
            running(models, *flags, environment=environment) as service,
            httpx.Client(base_url=service.url, trust_env=False) as client,
        ):
            client.post("/encode", json=BODY, headers=CALLED)
            client.post("/encode", json={"inputs": [[1]]}, headers=CALLED)
            assert receiver.resources() == []
    for resource in receiver.resources():
        about = {each.key: each.value.string_value for each in resource.attributes}
        assert about["service.name"] == "ours"
        assert about["service.version"]
        assert about["service.instance.id"]
    assert len({each.SerializeToString() for each in receiver.resources()}) == 1
    _expect_spans(receiver)
    _expect_metrics(receiver)
    _expect_logs(receiver)


def _expect_spans(receiver: Receiver) -> None:
    assert {span.trace_id.hex() for span in receiver.spans()} == {TRACE}
    assert sorted(span.name for span in receiver.spans()) == [
        "POST /encode", "POST /encode", "inference", "parse", "queue", "write",
    ]  # fmt: skip


def _expect_metrics(receiver: Receiver) -> None:
    metrics = receiver.last_metrics()
    (by_status,) = (each.sum for each in [metrics["autoencoder_requests"]])
    counted = {
        tuple(each.value.string_value for each in point.attributes): point.as_double
        for point in by_status.data_points
    }
    assert counted == {("encode", "mirror", "200"): 1, ("encode", "mirror", "422"): 1}
    assert by_status.is_monotonic
    (latency,) = metrics["autoencoder_request_seconds"].histogram.data_points
    assert latency.count == sum(latency.bucket_counts) == 2
    assert {each.trace_id.hex() for each in latency.exemplars} == {TRACE}
    spans = {span.span_id for span in receiver.spans()}
    assert {each.span_id for each in latency.exemplars} <= spans
    assert metrics["autoencoder_build_info"].gauge.data_points[0].as_double == 1


def _expect_logs(receiver: Receiver) -> None:
    (line,) = (
        each for each in receiver.records() if each.body.string_value.startswith("abc-1 POST")
    )
    assert "422" in line.body.string_value
    assert line.severity_text == "INFO"
    assert line.trace_id.hex() == TRACE
    assert line.span_id in {span.span_id for span in receiver.spans()}
    told = {each.key: each.value for each in line.attributes}
    assert told["request_id"].string_value == "abc-1"
    assert told["code"].string_value == "shape-mismatch"
    assert told["status"].int_value == 422


def test_a_receiver_that_hangs_holds_the_end_up_for_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from service.telemetry import tracing

    reached, over = threading.Event(), threading.Event()

    def hang(*_: object) -> SpanExportResult:
        reached.set()
        over.wait(60)
        return SpanExportResult.FAILURE

    monkeypatch.setattr(OTLPSpanExporter, "export", hang)
    tracer = tracing.create()
    tracer._tracer.start_span("last").end()
    began = time.perf_counter()
    tracer.close(0.1)
    assert 0.1 <= time.perf_counter() - began < 30
    assert reached.is_set()
    over.set()


def _fail(*_: object) -> None:
    raise RuntimeError("a fault")
