"""What answers say of how they came about, beside their body."""

import functools
import time
from typing import Protocol

from service.api.request import Exchange, Header
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


class Timed(Protocol):
    """What was waited and run for: seconds of each."""

    @property
    def queue(self) -> float: ...

    @property
    def inference(self) -> float: ...


def timing(exchange: Exchange, began: float, parsed: float, ran: float, result: Timed) -> Header:
    """Return Server-Timing, in milliseconds, of an answer that was written just now.

    began, parsed, ran: the time.perf_counter() at which reading began and ended, and at which the
    result was there. The exchange has the stages from then on, for those who count and trace it.
    """
    exchange.starts = (began, parsed, parsed + result.queue, ran)
    stages = exchange.stages = {
        "parse": parsed - began,
        "queue": result.queue,
        "inference": result.inference,
        "write": time.perf_counter() - ran,
    }
    # By the operator, which is the quickest of Python's ways to write numbers.
    text = b"parse;dur=%.3f, queue;dur=%.3f, inference;dur=%.3f, write;dur=%.3f"
    return b"server-timing", text % tuple(1000 * each for each in stages.values())
