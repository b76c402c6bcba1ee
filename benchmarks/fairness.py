"""python -m benchmarks.fairness: what one API key's flood costs another key.

One key asks at a steady rate, alone and beside a flood in turn: another key, which asks ten times
as often as its quota allows, and does not wait as Retry-After says.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.contenders import SERVICE
from benchmarks.dialects import Dialect, Request
from benchmarks.environments import Unavailable, prepare
from benchmarks.images import Floats, noisy
from benchmarks.machine import machine
from benchmarks.measure import Run, measure
from benchmarks.servers import Server, serving
from service.access.allowance import Allowance
from service.access.entry import create

TIMES = 10
"""How many times as often as its quota a flood asks."""
HEAD = """\
| alone: p50, p99, ms | beside a flood: p50, p99, ms | ratio of p99 | least, most \
| flood: 200/s | 429/s | 5xx | lost |
|--------------------:|-----------------------------:|-------------:|------------:\
|-------------:|------:|----:|-----:|"""

Round = tuple[Run, Run, Run]
"""The quiet key alone, beside a flood, and that flood."""


def main() -> int:
    """Run the command line; return 1 where the service could not be measured."""
    options = _parser().parse_args()
    try:
        with two_keys(prepare(SERVICE), options.quota) as (quiet, flood):
            runs = list(
                rounds(quiet, flood, options.rate, options.quota, options.seconds, options.rounds)
            )
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{machine()}\n\n{HEAD}\n{row(runs)}")
    return 0


@contextmanager
def two_keys(programs: Path, quota: int) -> Iterator[tuple[Server, Server]]:
    """Serve a key without a quota, and one of so many requests a minute; give what asks by each."""
    keys = [
        create(name, frozenset({"infer"}), allowance=Allowance(requests))
        for name, requests in (("quiet", 0), ("flood", quota))
    ]
    quiet, flood = (f"Authorization: Bearer {made}" for made, _ in keys)
    path, dialect = SERVICE.bodies["json"]

    def ask(images: Floats) -> Request:
        return replace(dialect.ask(images), headers=(quiet,))

    service = replace(
        SERVICE,
        bodies={"json": (path, Dialect(ask, dialect.read))},
        variables={"SERVICE_API_KEYS": ";".join(entry.line for _, entry in keys)},
    )
    with serving(service, programs, "json", noisy(1)) as server:
        yield server, replace(server, request=replace(server.request, headers=(flood,)))


def rounds(
    quiet: Server, flood: Server, rate: float, quota: int, seconds: float, count: int
) -> Iterator[Round]:
    """Measure in turn.

    Args:
        quiet: The server, as the quiet key asks it.
        flood: The same, as the flood asks it.
        rate: Requests a second of the quiet key.
        quota: Requests a minute of the flood's.
        seconds: Of each measurement.
        count: How often.
    """
    for _ in range(count):
        alone = measure(quiet, connections=8, rate=rate, seconds=seconds)
        with ThreadPoolExecutor(1) as pool:
            many = pool.submit(
                measure,
                flood,
                connections=64,
                rate=TIMES * quota / 60,
                seconds=seconds,
                may_be_refused=True,
            )
            beside = measure(quiet, connections=8, rate=rate, seconds=seconds)
            yield alone, beside, many.result()


def row(runs: Sequence[Round]) -> str:
    """Return a row of the table: medians, and p99 beside a flood by p99 alone, round by round."""
    alone, beside = ([_times(each[number]) for each in runs] for number in (0, 1))
    ratios = [loud / still for (_, still), (_, loud) in zip(alone, beside, strict=True)]
    medians = [
        ", ".join(f"{statistics.median(times):.2f}" for times in zip(*each, strict=True))
        for each in (alone, beside)
    ]
    good, refused = (
        statistics.median(_count(flood, status) / flood["seconds"] for *_, flood in runs)
        for status in ("200", "429")
    )
    every = [run for each in runs for run in each]
    failed, lost = sum(_count(run, "5") for run in every), sum(run["lost"] for run in every)
    return (
        f"| {medians[0]} | {medians[1]} | {statistics.median(ratios):.2f} "
        f"| {min(ratios):.2f}, {max(ratios):.2f} | {good:,.0f} | {refused:,.0f} "
        f"| {failed} | {lost} |"
    )


def _times(run: Run) -> tuple[float, float]:
    good = run["statuses"]["200"]
    return good["p50"], good["p99"]


def _count(run: Run, status: str) -> int:
    """Return how many answers had a status that begins so."""
    statuses = run["statuses"].items()
    return sum(int(each["count"]) for known, each in statuses if known.startswith(status))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness", description=__doc__)
    add = parser.add_argument
    add("--rate", type=float, default=100, help="requests a second of the quiet key")
    add("--quota", type=int, default=3000, help="requests a minute of the flood's key")
    add("--seconds", type=float, default=10, help="of each measurement, after the warm-up")
    add("--rounds", type=int, default=5)
    return parser


if __name__ == "__main__":
    sys.exit(main())
