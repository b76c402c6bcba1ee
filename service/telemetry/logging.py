"""Log lines: for people on a terminal, or one JSON object each for what collects them."""

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Literal

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.orjson import OrjsonFormatter

Format = Literal["text", "json"]

about: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))
"""What JSON lines that are written for the request in hand say besides."""

# A client's words, as in a path, can neither pass for a line of the log nor steer a terminal.
HARMLESS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
HARMLESS[ord("\n")] = "\n    "


def set_up(level: str, style: Format) -> None:
    """Send every log line of this process to standard error, from a level up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_tell)
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
    # Requests are logged by the service itself, with their ids; uvicorn's own logger says the rest.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("PIL").setLevel(logging.INFO)  # each chunk of a picture is a line of debug


def _tell(record: logging.LogRecord) -> bool:
    record.__dict__.update(about.get())
    return True


class _Text(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        record.message = record.message.translate(HARMLESS)
        return super().formatMessage(record)
