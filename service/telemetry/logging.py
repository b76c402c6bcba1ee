"""Logging to standard error, as text for people or as JSON lines for a collector."""

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Literal

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.orjson import OrjsonFormatter

Format = Literal["text", "json"]

context: ContextVar[Mapping[str, str]] = ContextVar("context", default=MappingProxyType({}))
"""Further fields of the JSON lines that are logged for the current request."""

# Text from a client, as in a path or in the message of an exception, can neither forge a log line
# nor control a terminal: a line that is not indented is the service's own.
ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
ESCAPES[ord("\n")] = "\n    "


def set_up(level: str, style: Format) -> None:
    """Log to standard error.

    Args:
        level: The least severe level that is logged, in lower case.
        style: Text or JSON.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_add_context)
    if style == "json":
        formatter = OrjsonFormatter(
            ("levelname", "name", "message"),
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],
        )
        handler.setFormatter(formatter)
    else:
        handler.setFormatter(_Text("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # The service logs requests itself, with their ids; uvicorn's other logger stays.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("PIL").setLevel(logging.INFO)  # at debug, it logs each chunk of a PNG


def _add_context(record: logging.LogRecord) -> bool:
    record.__dict__.update(context.get())
    return True


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).translate(ESCAPES)
