"""OpenTelemetry traces: a server span for each request for a model, a child span for each stage.

Attributes follow OpenTelemetry's semantic conventions for HTTP; the others are autoencoder.*. The
module needs the extra `otel`; app.py reports it if it is missing.
"""

import functools
import ipaddress
import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    StatusCode,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service import __version__
from service.inference.model import Model
from service.telemetry import logging as logs
from service.telemetry import otlp
from service.telemetry.histogram import Trace


class Traced(Protocol):
    """A request and its response, as far as spans describe them: see service.api.request."""

    scope: MutableMapping[str, Any]
    request_id: str
    began: float
    model: Model | None
    items: int
    stages: Mapping[str, float]
    starts: Sequence[float]
    status: int
    trace: Trace

    @property
    def key(self) -> str:
        """The name of its API key, "" without."""


class Tracer:
    """Creates the spans of requests."""

    def __init__(self, provider: TracerProvider, trusted: Sequence[str] = ()) -> None:
        """Create a tracer.

        Args:
            provider: Samples spans, and exports them.
            trusted: Networks of the callers whose traces go on here. Whoever is trusted chooses
                the ids of traces, and that they are recorded.
        """
        self._provider = provider
        networks = [ipaddress.ip_network(each) for each in trusted]
        self._trusts = functools.lru_cache(1024)(functools.partial(_is_within, networks))
        self._tracer = provider.get_tracer(otlp.NAME, __version__)
        self._parents = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, operation: str, traced: Traced) -> Iterator[None]:
        """Trace a request within a `with` block; its log lines carry the trace's ids.

        Args:
            operation: The operation.
            traced: The request; its response's fields are read at the end of the block.
        """
        # Spans have wall-clock times, stages those of a clock that never jumps.
        offset = time.time_ns() - time.perf_counter_ns()
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in traced.scope["headers"]
        }
        parent, links = self._origin(traced.scope, headers)
        span = self._tracer.start_span(
            f"{traced.scope['method']} {_route(traced.scope)}",
            parent,
            SpanKind.SERVER,
            _request_attributes(traced.scope, headers),
            links,
            start_time=offset + _nanoseconds(traced.began),
        )
        ids = _ids(span)
        if span.get_span_context().trace_flags.sampled:
            traced.trace = ids
        token = logs.context.set(ids)
        current = attach(set_span_in_context(span))  # for logs that are exported
        try:
            yield
        finally:
            detach(current)
            logs.context.reset(token)
            if span.is_recording():
                self._describe(span, operation, traced, offset)
            span.end(offset + time.perf_counter_ns())

    @contextmanager
    def run(self, headers: Mapping[str, str], model: Model, operation: str) -> Iterator[None]:
        """Trace a `with` block that runs an operation for another process of the service.

        Args:
            headers: What propagated() gave there; the log lines of the block carry the trace's ids.
            model: What runs it.
            operation: The operation.
        """
        attributes = {"autoencoder.operation": operation, **_model_attributes(model)}
        span = self._tracer.start_span(
            f"run {operation}",
            self._parents.extract(headers, Context()),
            SpanKind.SERVER,
            attributes,
        )
        token = logs.context.set(_ids(span))
        try:
            with use_span(span, end_on_exit=True):  # which records exceptions
                yield
        finally:
            logs.context.reset(token)

    def close(self, seconds: float = 5.0) -> None:
        """Export the remaining spans; give up after a number of seconds."""
        otlp.finish(self._provider.shutdown, seconds)

    def _origin(
        self, scope: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[Context, Sequence[Link]]:
        """Return the caller's trace to go on with, or an empty one that is linked to it."""
        caller = self._parents.extract(headers, Context())
        client = scope.get("client")  # None for jobs, which run long after their request
        if client and self._trusts(client[0]):
            return caller, ()
        context = get_current_span(caller).get_span_context()
        return Context(), [Link(context)] if context.is_valid else ()

    def _describe(self, span: Span, operation: str, traced: Traced, offset: int) -> None:
        span.set_attributes(_response_attributes(operation, traced))
        if traced.status >= 500 or not traced.status:
            span.set_status(StatusCode.ERROR)
        inside = set_span_in_context(span, Context())
        for (stage, seconds), start in zip(traced.stages.items(), traced.starts, strict=True):
            start_time = offset + _nanoseconds(start)
            child = self._tracer.start_span(stage, inside, start_time=start_time)
            child.end(start_time + _nanoseconds(seconds))


def create(trusted: Sequence[str] = ()) -> Tracer:
    """Return a tracer that exports by OTLP over HTTP, as OpenTelemetry's OTEL_* variables say.

    Args:
        trusted: Networks of the callers whose traces go on here.
    """
    provider = TracerProvider(resource=otlp.resource())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracer(provider, trusted)


def propagated() -> dict[str, str]:
    """Return the headers by which the present trace goes on in another process.

    Source: W3C Trace Context.
    """
    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers)
    return headers


def _is_within(
    networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network], address: str
) -> bool:
    try:
        return any(ipaddress.ip_address(address) in each for each in networks)
    except ValueError:  # a proxy that is trusted has named none
        return False


def _ids(span: Span) -> dict[str, str]:
    context = span.get_span_context()
    if not context.is_valid:  # OTEL_SDK_DISABLED=true
        return {}
    return {
        "trace_id": format_trace_id(context.trace_id),
        "span_id": format_span_id(context.span_id),
    }


def _request_attributes(scope: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    attributes = {
        "http.request.method": scope["method"],
        "http.route": _route(scope),
        "url.path": scope["path"],
        "url.scheme": scope.get("scheme", "http"),
        "network.protocol.version": scope["http_version"],
    }
    if scope["query_string"]:
        attributes["url.query"] = scope["query_string"].decode("latin-1")
    if scope.get("client"):
        attributes["client.address"] = scope["client"][0]
    if "user-agent" in headers:
        attributes["user_agent.original"] = headers["user-agent"]
    return attributes


def _response_attributes(operation: str, traced: Traced) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "autoencoder.operation": operation,
        "autoencoder.request_id": traced.request_id,
    }
    if traced.model:
        attributes |= _model_attributes(traced.model)
    if traced.key:
        attributes["autoencoder.key"] = traced.key
    if traced.items:
        attributes["autoencoder.items"] = traced.items
    if traced.status:
        attributes["http.response.status_code"] = traced.status
        if traced.status >= 500:
            attributes["error.type"] = str(traced.status)
    return attributes


def _model_attributes(model: Model) -> dict[str, str | int]:
    return {
        "autoencoder.model": model.name,
        "autoencoder.version": model.version,
        "autoencoder.execution_provider": model.provider,
    }


def _route(scope: Mapping[str, Any]) -> str:
    """Return the route's path template, of which there are few."""
    route: str = getattr(scope.get("route"), "path", scope["path"])
    return route


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
