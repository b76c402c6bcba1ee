"""Latency of small requests before and beside a very large photograph."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from benchmarks.photographs.asking import Answer, Asked, Client, check
from benchmarks.photographs.others import Others, note
from benchmarks.photographs.pictures import Pixels, as_file, megapixels, noisy, sized
from benchmarks.photographs.service import Service
from benchmarks.table import table
from benchmarks.tally import Tally

SMALL = 0.25
"""Megapixels of the small photographs."""
SLICE = 2.0
"""Seconds of one kind of small requests, before those of the other kind."""
PAUSE = 0.01
"""Seconds between two of 28x28, which would else take a processor by themselves."""
ARRAYS, PHOTOGRAPHS = "28x28 in JSON", f"{SMALL:g} MP, PNG"


@dataclass
class Result:
    """What small requests gave before and beside a photograph, which took so many seconds.

    before, beside: by kind, what Tally says of each status; worst: the slowest beside it, seconds
    after it was sent, and its own milliseconds; others: processors that anything else took.
    """

    megapixels: float
    seconds: float = 0.0
    before: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    worst: dict[str, tuple[float, float]] = field(default_factory=dict)
    others: float = 0.0


def measure(service: Service, source: Pixels, size: float, seconds: float) -> Result:
    """Ask so many seconds before a PNG of so many megapixels, and then as long as it takes."""
    pixels = noisy(sized(source, size))
    small = service.denoise(as_file(noisy(sized(source, SMALL)), "PNG"), "image/png")
    kinds = {ARRAYS: (service.small, PAUSE), PHOTOGRAPHS: (small, 0.0)}
    large = service.denoise(as_file(pixels, "PNG"), "image/png")
    result = Result(round(megapixels([pixels]), 3))
    others, end = Others(service.server.processes), threading.Event()
    timer = threading.Timer(seconds, end.set)
    timer.start()
    result.before = _summaries(_ask_until(end, service.server.url, kinds))
    seen, answer = _beside(large, kinds)
    result.beside, result.seconds = _summaries(seen), answer.seconds
    result.others = others.processors()
    result.worst = {
        kind: (round(when, 1), round(1000 * took, 1))
        for kind, answers in seen.items()
        for took, when in [max((took, when) for when, took, _ in answers)]
    }
    print(f"beside: {answer.seconds:.1f} s", file=sys.stderr)
    return result


Seen = dict[str, list[tuple[float, float, int]]]
"""By kind: for each answer when it was asked for, from the begin, its seconds and its status."""
Kinds = dict[str, tuple[Asked, float]]
"""By name: the request, and the seconds of pause after it."""


def _beside(large: Asked, kinds: Kinds) -> tuple[Seen, Answer]:
    """What was seen while a large photograph was answered, and its answer."""
    end = threading.Event()
    with Client(large.url) as client, ThreadPoolExecutor(1) as thread:
        asking = thread.submit(client.ask, large)
        asking.add_done_callback(lambda _: end.set())
        seen = _ask_until(end, large.url, kinds)
        answer = asking.result()
    check([answer])
    return seen, answer


def _ask_until(end: threading.Event, url: str, kinds: Kinds) -> Seen:
    """Ask for one kind after the other, a slice of time each; at least once for each."""
    seen: Seen = {kind: [] for kind in kinds}
    start = time.perf_counter()
    with Client(url) as client:
        while not (end.is_set() and all(seen.values())):
            for kind, (asked, pause) in kinds.items():
                until = time.perf_counter() + SLICE
                while True:
                    began = time.perf_counter()
                    answer = client.ask(asked)
                    seen[kind].append((began - start, answer.seconds, answer.status))
                    if end.is_set() or time.perf_counter() > until:
                        break
                    time.sleep(pause)
    return seen


def _summaries(seen: Seen) -> dict[str, Any]:
    found = {}
    for kind, answers in seen.items():
        tally = Tally()
        for _, took, status in answers:
            tally.count(status, took)
        found[kind] = tally.summaries()
    return found


def tables(result: Result) -> str:
    """Return what was measured as a table."""
    head = ["one at a time", "answers", "p50, ms", "p99, ms", "slowest, ms", "notes"]
    rows = [
        _row(f"{kind}, {when}", given[kind], result.others)
        for kind in (ARRAYS, PHOTOGRAPHS)
        for when, given in (("before it", result.before), ("beside it", result.beside))
    ]
    return (
        f"## Small requests beside a photograph of {result.megapixels:.1f} MP "
        f"(PNG, {result.seconds:.1f} s)\n\n{table(head, rows)}"
    )


def _row(what: str, statuses: dict[str, Any], others: float) -> list[str]:
    notes = [f"{each['count']} x {status}" for status, each in statuses.items() if status != "200"]
    notes += filter(None, [note(others)])
    if "200" not in statuses:
        return [what, "0", "-", "-", "-", ", ".join(notes)]
    good = statuses["200"]
    numbers = [f"{good[name]:,.1f}" for name in ("p50", "p99", "max")]
    return [what, f"{good['count']:,}", *numbers, ", ".join(notes)]
