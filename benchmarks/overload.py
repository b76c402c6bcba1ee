"""python -m benchmarks.overload: the service under ten times more clients than its queue holds.

Full load is as many clients as the queue holds, each asking again as soon as it is answered. Then
come ten times as many, who wait at least as long as Retry-After says, and the same who do not.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.contenders import SERVICE, Contender
from benchmarks.environments import Unavailable, prepare
from benchmarks.images import noisy
from benchmarks.measure import Run, measure
from benchmarks.servers import Server, serving

HEAD = """\
| clients | they wait | answers/s | p50, ms | p99, ms | p99 / full load | 429/s | 429 p50, ms \
| 429 p99, ms | 5xx | lost |
|--------:|-----------|----------:|--------:|--------:|----------------:|------:|------------:\
|------------:|----:|-----:|"""


def main() -> int:
    """Run the command line; return 1 where the service could not be measured."""
    options = _parser().parse_args()
    try:
        images = noisy(options.images)
        service = with_queue(options.clients * options.images)
        with serving(service, prepare(service), options.body, images) as server:
            print(HEAD)
            for row in rows(server, options.clients, options.times, options.seconds):
                print(row, flush=True)
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def with_queue(items: int) -> Contender:
    """Return the service with a queue for as many items."""
    return replace(SERVICE, variables={"SERVICE_MAX_QUEUE_ITEMS": str(items)})


def rows(server: Server, clients: int, times: int, seconds: float) -> Iterator[str]:
    """Load a server with its full load, then with many times more; give a row of a table each."""
    full = measure(server, connections=clients, seconds=seconds)
    yield _row("-", full, full)
    for waits in (True, False):
        many = measure(
            server, connections=clients * times, seconds=seconds, honour_retry_after=waits
        )
        yield _row("yes" if waits else "no", many, full)


def _row(waits: str, run: Run, full: Run) -> str:
    statuses = run["statuses"]
    admitted = statuses["200"]
    refused = statuses.get("429", {"count": 0, "p50": 0.0, "p99": 0.0})
    failed = sum(each["count"] for status, each in statuses.items() if status.startswith("5"))
    times = admitted["p99"] / full["statuses"]["200"]["p99"]
    return (
        f"| {run['connections']:7,} | {waits:9} | {run['rps']:9,.0f} | {admitted['p50']:7.1f} "
        f"| {admitted['p99']:7.1f} | {times:15.2f} | {refused['count'] / run['seconds']:5,.0f} "
        f"| {refused['p50']:11.1f} | {refused['p99']:11.1f} | {failed:3} | {run['lost']:4} |"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    add = parser.add_argument
    add("--clients", type=int, default=256, help="so many fill the queue")
    add("--times", type=int, default=10, help="how many times more come than it holds")
    add("--seconds", type=float, default=10, help="of each measurement, after the warm-up")
    add("--body", choices=["json", "npy"], default="json")
    add("--images", type=int, default=1, help="in each request")
    return parser


if __name__ == "__main__":
    sys.exit(main())
