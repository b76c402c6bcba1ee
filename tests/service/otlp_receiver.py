"""A receiver of OTLP over HTTP: it takes traces, metrics and logs as a collector does."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Receiver(ThreadingHTTPServer):
    """Keeps what is exported to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.logs: list[ExportLogsServiceRequest] = []

    def spans(self) -> list[Span]:
        """Return every span, in the order of their arrival."""
        resources = [each for request in self.traces for each in request.resource_spans]
        return [span for each in resources for scope in each.scope_spans for span in scope.spans]

    def last_metrics(self) -> dict[str, Metric]:
        """Return the metrics that came last, by their names."""
        (resource,) = self.metrics[-1].resource_metrics
        (scope,) = resource.scope_metrics
        found = {metric.name: metric for metric in scope.metrics}
        assert len(found) == len(scope.metrics)
        return found

    def records(self) -> list[LogRecord]:
        """Return every log record, in the order of their arrival."""
        resources = [each for request in self.logs for each in request.resource_logs]
        scopes = [scope for each in resources for scope in each.scope_logs]
        return [record for scope in scopes for record in scope.log_records]

    def resources(self) -> list[Resource]:
        """Return what each request says of its service."""
        return [
            *(each.resource for request in self.traces for each in request.resource_spans),
            *(each.resource for request in self.metrics for each in request.resource_metrics),
            *(each.resource for request in self.logs for each in request.resource_logs),
        ]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            server.traces.append(ExportTraceServiceRequest.FromString(body))
        elif self.path == "/v1/metrics":
            server.metrics.append(ExportMetricsServiceRequest.FromString(body))
        else:
            assert self.path == "/v1/logs"
            server.logs.append(ExportLogsServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
