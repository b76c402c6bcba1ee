"""Log lines: for people on a terminal, or one JSON object each for what collects them."""

import logging
import sys
from typing import Literal

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.orjson import OrjsonFormatter

Format = Literal["text", "json"]


def set_up(level: str, style: Format) -> None:
    """Send every log line of this process to standard error, from a level up."""
    handler = logging.StreamHandler(sys.stderr)
    if style == "json":
        formatter = OrjsonFormatter(
            ("levelname", "name", "message"),
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],
        )
        handler.setFormatter(formatter)
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s:     %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Requests are logged by the service itself, with their ids; uvicorn's own logger says the rest.
    logging.getLogger("uvicorn.access").disabled = True
