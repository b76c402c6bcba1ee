"""Log lines by OTLP, beside those on standard error: those of requests carry their trace."""

import logging

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from service.telemetry import otlp

SILENT = ("opentelemetry", "requests", "urllib3")
"""Loggers of what exports: to export their lines would make more of them."""


class ExportedLogs:
    """Exports what is logged at the service's level from now on."""

    def __init__(self) -> None:
        self._provider = LoggerProvider(resource=otlp.resource())
        self._provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
        self._handler = LoggingHandler(logger_provider=self._provider)
        self._handler.addFilter(lambda record: record.name.partition(".")[0] not in SILENT)
        logging.getLogger().addHandler(self._handler)

    def close(self, seconds: float = 5.0) -> None:
        """Export the remaining lines; give up after a number of seconds."""
        logging.getLogger().removeHandler(self._handler)
        otlp.finish(self._provider.shutdown, seconds)
