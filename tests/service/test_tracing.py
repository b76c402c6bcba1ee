"""Traces: a span for each request for a model, with its stages inside, sent where it is said."""

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from service.cli import main
from service.inference.session import Session
from service.telemetry import logging as logs
from tests.service.running import ROOT, running
from tests.service.tiny import Start

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra [otel]")

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

BODY = {"inputs": [[[0.0] * 4] * 4] * 3}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "abc-1"}
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
    client = start(traces=True)
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
    client = start(traces=True)
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
    client = start(traces=True)
    assert (await client.post("/encode", json=BODY)).status_code == 200
    assert spans() == []
    await client.post("/encode", json=BODY, headers=CALLED)  # the caller wants it
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
        "'service.telemetry.tracing'))])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_traces_without_the_extra_are_refused_at_the_start_with_what_to_install(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import service.telemetry.tracing

    monkeypatch.delattr(service.telemetry, "tracing")
    monkeypatch.delitem(sys.modules, "service.telemetry.tracing")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert main(["serve", "--models", str(models), "--device", "cpu", "--traces", "true"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Cannot start: SERVICE_TRACES (--traces): expected the extra [otel]")
    assert "opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http" in line


@pytest.mark.slow
def test_spans_are_sent_where_the_standard_variables_say_the_last_when_it_stops(
    models: Path, collector: "Collector"
) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_SERVICE_NAME": "ours",
        "OTEL_BSP_SCHEDULE_DELAY": "600000",  # in milliseconds: nothing is sent until the end
    }
    with running(models, "--traces=true", environment=environment) as service:
        httpx.post(
            f"{service.url}/encode", json=BODY, headers=CALLED, trust_env=False, verify=False
        )
        assert collector.received == []
    (request,) = collector.received
    (resource,) = request.resource_spans
    about = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert about["service.name"] == "ours"
    assert about["service.version"]
    found = [span for scope in resource.scope_spans for span in scope.spans]
    assert {span.trace_id.hex() for span in found} == {TRACE}
    assert sorted(span.name for span in found) == [
        "POST /encode", "inference", "parse", "queue", "write",
    ]  # fmt: skip


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


class Collector:
    """What receives traces by OTLP over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[ExportTraceServiceRequest] = []


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        state = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def _fail(*_: object) -> None:
    raise RuntimeError("a fault")
