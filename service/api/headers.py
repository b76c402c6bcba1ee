"""What answers say of how they came about, beside their body."""

import functools
from collections.abc import Mapping

from service.api.exchange import Header
from service.inference.model import Model


def naming(model: Model) -> tuple[Header, ...]:
    """Return the headers that say which model answers, and what runs it."""
    return _naming(model.name, model.version, model.provider)


@functools.lru_cache(256)
def _naming(name: str, version: int, provider: str) -> tuple[Header, ...]:
    return (
        (b"x-model", name.encode()),
        (b"x-model-version", b"%d" % version),
        (b"x-execution-provider", provider.encode()),
    )


def timing(stages: Mapping[str, float]) -> Header:
    """Return Server-Timing, in milliseconds, for seconds by stage: all four, in their order."""
    # By the operator, which is the quickest of Python's ways to write numbers.
    text = b"parse;dur=%.3f, queue;dur=%.3f, inference;dur=%.3f, write;dur=%.3f"
    return b"server-timing", text % tuple(1000 * each for each in stages.values())
