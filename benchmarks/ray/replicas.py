"""python -m benchmarks.ray.replicas: several replicas of the service, scaled and killed under load.

.venv/ray/bin/python runs it, which `make test-ray` installs, in less than eight minutes on two
processors. All nodes are processes of this machine: throughput grows with replicas no further than
its processors, and what is started and found lost takes the time of a cluster whose nodes are
there. Each response is compared with that of a single replica without load.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.crowd import Plan
from benchmarks.load import request, run
from benchmarks.machine import machine
from benchmarks.processes import cpu_seconds
from benchmarks.ray.__main__ import requests, row
from benchmarks.ray.answering import Answering, watched
from benchmarks.ray.cluster import Cluster, cluster, wait_for
from benchmarks.ray.steady import Clients, Seen
from benchmarks.table import table

ARRAYS, PHOTOGRAPHS = 8, 4
"""Clients of the steady load."""
PAUSE = 0.05
"""Seconds between a response and the next request of a client."""
CONNECTIONS = 16
"""Of the closed loop that measures throughput."""
QUIET, PATIENCE = 5.0, 60.0
"""Seconds of load before something befalls the service; seconds in which it should be over."""
DRAINING = 45.0
"""Seconds in which a replica that is to end is done: behind HAProxy, Ray keeps it 30 s."""
AUTOSCALING = {
    "min_replicas": 1,
    "max_replicas": 4,
    "target_ongoing_requests": 2,
    "upscale_delay_s": 2,
    "downscale_delay_s": 5,
    "look_back_period_s": 5,
    "metrics_interval_s": 1,
}
REPLICAS = 2
"""Of those of which one is killed."""
SPARE = 2
"""Nodes that are added before one is killed: the other one takes its replica."""


@dataclass(frozen=True)
class Event:
    """Something that befell the service under load.

    Attributes:
        what: It, in words.
        seen: What the clients saw.
        found: What else was measured, in words.
    """

    what: str
    seen: Seen
    found: str


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ray.replicas", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6, help="of each load (default 6)")
    options = parser.parse_args()
    print(machine(), flush=True)
    with cluster() as made:
        rows: list[tuple[str, ...]] = []
        for count in (1, 2, 4):
            made.deploy({"num_replicas": count})
            rows += [_print(each) for each in throughput(made, count, options.seconds)]
        made.deploy({"num_replicas": 1})
        clients = Clients(made.url, arrays=ARRAYS, photographs=PHOTOGRAPHS)
        events = [*scaled(made, clients), *killed(made, clients)]
    head = ("replicas", "request", "connections", "requests/s", "p50, ms", "p99, ms", "CPU, ms")
    print(f"\n{table(head, rows)}")
    columns = ("what befell it", "responses", "measured")
    print(table(columns, [(each.what, each.seen.statuses(), each.found) for each in events]))


def throughput(made: Cluster, count: int, seconds: float) -> list[tuple[str, ...]]:
    """Return a row of the table for each kind of request, in a closed loop."""
    rows: list[tuple[str, ...]] = []
    for what, path, body, media_type in requests():
        plan = Plan(
            host="127.0.0.1",
            port=int(made.url.rpartition(":")[2]),
            request=request(made.url + path, body, media_type),
            connections=CONNECTIONS,
            seconds=seconds,
            warm_up=2,
        )
        before = cpu_seconds(made.processes()), time.monotonic()
        found = run(plan)
        took = cpu_seconds(made.processes()) - before[0]
        whole = time.monotonic() - before[1]
        rows.append(row(str(count), what, CONNECTIONS, found, took, whole))
    return rows


def scaled(made: Cluster, clients: Clients) -> list[Event]:
    """Return what was seen while the autoscaler added replicas, and while it removed them."""
    made.deploy({"autoscaling_config": AUTOSCALING})
    most = int(AUTOSCALING["max_replicas"])
    with watched(made.url) as answering, clients.asking(PAUSE) as up:
        began = time.monotonic()
        wait_for(lambda: len(answering.first) >= most, 2 * PATIENCE)
        grown = answering.since(began)[1:]
        time.sleep(QUIET)
    found = f"from 1 to {len(answering.first)} replicas: {_times(grown)} after the load began"
    with clients.asking(PAUSE, only=1) as down:
        began = time.monotonic()
        wait_for(lambda: made.replicas() == 1, 2 * PATIENCE)
        shrunk = time.monotonic() - began
        time.sleep(DRAINING)
    return [
        _said(Event("the load grows", up, found)),
        _said(Event("it is one client's", down, f"to 1 replica {shrunk:.0f} s after that")),
    ]


def killed(made: Cluster, clients: Clients) -> list[Event]:
    """Return what was seen while a replica was killed, and while a node was, of two."""
    made.deploy({"num_replicas": REPLICAS})
    replica = _said(_killed(made, clients, "a replica", made.kill_replica))
    for _ in range(SPARE):
        made.add_node()
    made.deploy({"num_replicas": REPLICAS, "max_replicas_per_node": 1})
    return [replica, _said(_killed(made, clients, "a node", made.kill_node))]


def _killed(made: Cluster, clients: Clients, what: str, kill: Callable[[], None]) -> Event:
    wait_for(lambda: made.replicas() == REPLICAS, PATIENCE)
    with watched(made.url) as answering, clients.asking(PAUSE) as seen:
        wait_for(lambda: len(answering.first) >= REPLICAS, PATIENCE)
        time.sleep(QUIET)
        began = time.monotonic()
        kill()
        wait_for(lambda: bool(answering.since(began)), PATIENCE)
        time.sleep(QUIET)
    return Event(f"{what} is killed", seen, _recovery(seen, answering, began))


def _recovery(seen: Seen, answering: Answering, began: float) -> str:
    last = seen.last_fault(began)
    return (
        f"the last failure {last:.1f} s after that, "
        f"a replica in its place answers {_times(answering.since(began)[:1])} after that"
    )


def _times(seconds: Sequence[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in seconds) + " s" if seconds else "never"


def _said(event: Event) -> Event:
    print(f"{event.what}: {event.seen.statuses()}; {event.found}", flush=True)
    return event


def _print(row: tuple[str, ...]) -> tuple[str, ...]:
    print(" | ".join(row), flush=True)
    return row


if __name__ == "__main__":
    main()
