"""python -m benchmarks.scaling: the tables of docs/scaling.md."""

import argparse
from collections.abc import Iterator
from dataclasses import astuple

from benchmarks.scaling.autoscaler import Scaling
from benchmarks.scaling.capacity import Machine, Prices, need
from benchmarks.scaling.cluster import Cluster, Outcome, simulate
from benchmarks.scaling.load import Service, steady, step
from benchmarks.scaling.measured import PARALLEL, PHOTOGRAPH_SECONDS, WORKS
from benchmarks.table import table

PROCESSORS = 4
"""Of a replica that denoises photographs."""

PHOTOGRAPH = Service(PHOTOGRAPH_SECONDS / PROCESSORS / PARALLEL, spread=0.3)
"""A photograph in such a replica. Photographs differ in size; the spread is assumed."""

FOUND = "p50, s", "p99, s", "refused"

NEEDED = (
    *("a second", "processors", "machines", "Gbit/s of each", "objects/s", "TB/day"),
    *("machines, $/day", "requests, $/day", "a day stored, $/month"),
)
"""The fields of Need, in words."""


def main() -> None:
    """Run the command line."""
    options = _parser().parse_args()
    prices = Prices(options.processor_hour, options.reads, options.writes, options.terabyte_month)
    machine = Machine(options.processors, options.utilization, options.gigabits)
    sections = {
        "What a day needs": needs(machine, prices),
        "How busy replicas may be": utilizations(options.seed),
        "When the load doubles at once": steps(options.seed),
        "Stragglers and failures": faults(options.seed),
    }
    for title, text in sections.items():
        print(f"## {title}\n\n{text}")


def needs(machine: Machine, prices: Prices) -> str:
    """Return the table of what each load needs."""
    rows = []
    for work in WORKS:
        found = need(work, machine, prices)
        rows.append([work.name, *map(_figure, astuple(found))])
    return table(("a day", *NEEDED), rows)


def utilizations(seed: int) -> str:
    """Return the table of latencies of photographs, by the number of replicas and their load."""

    def rows() -> Iterator[list[str]]:
        for replicas in (2, 8, 32, 128):
            for busy in (0.5, 0.7, 0.9):
                rate = busy * replicas / PHOTOGRAPH.mean
                outcome = simulate(
                    Cluster(replicas, bound=8),
                    PHOTOGRAPH,
                    steady(rate),
                    highest=rate,
                    seconds=max(1800, 20_000 / rate),
                    seed=seed,
                    warm_up=300,
                )
                yield [str(replicas), f"{busy:g}", *_found(outcome)]

    return table(("replicas", "busy", *FOUND), list(rows()))


def steps(seed: int) -> str:
    """Return the table of a load that doubles, by how long replicas take to start."""

    def rows() -> Iterator[list[str]]:
        replicas, at = 40, 900.0
        before = 0.45 * replicas / PHOTOGRAPH.mean
        for delay in (10.0, 30.0):
            for start in (10.0, 60.0, 180.0):
                scaling = Scaling(
                    replicas // 4,
                    4 * replicas,
                    target_ongoing_requests=1,
                    upscale_delay_s=delay,
                    start_seconds=start,
                )
                outcome = simulate(
                    Cluster(replicas, bound=8, scaling=scaling),
                    PHOTOGRAPH,
                    step(before, 2 * before, at),
                    highest=2 * before,
                    seconds=at + 1800,
                    seed=seed,
                    warm_up=at,
                )
                hours = outcome.replica_seconds / 3600
                yield [
                    f"{delay:g}",
                    f"{start:g}",
                    *_found(outcome),
                    f"{outcome.most}",
                    f"{hours:.1f}",
                ]

    head = ("upscale_delay_s", "start, s", *FOUND, "replicas at most", "replica hours")
    return table(head, list(rows()))


def faults(seed: int) -> str:
    """Return the table of what stragglers and failures do to the latencies of photographs."""

    def rows() -> Iterator[list[str]]:
        replicas = 40
        kinds = {
            "none": (PHOTOGRAPH, 0.0),
            "1 of 100 takes 5 times as long": (_straggling(0.01, 5), 0.0),
            "1 of 20 takes 5 times as long": (_straggling(0.05, 5), 0.0),
            "each replica fails once in 4 hours": (PHOTOGRAPH, 4 * 3600.0),
        }
        for name, (service, lifetime) in kinds.items():
            rate = 0.7 * replicas / PHOTOGRAPH.mean
            scaling = Scaling(replicas, replicas, 1, start_seconds=60)
            outcome = simulate(
                Cluster(replicas, bound=8, lifetime=lifetime, scaling=scaling),
                service,
                steady(rate),
                highest=rate,
                seconds=4 * 3600,
                seed=seed,
                warm_up=300,
            )
            yield [name, *_found(outcome), str(outcome.repeated)]

    return table(("what happens", *FOUND, "run again"), list(rows()))


def _straggling(share: float, factor: float) -> Service:
    return Service(PHOTOGRAPH.seconds, PHOTOGRAPH.spread, share, factor)


def _figure(number: float) -> str:
    return f"{number:,.3g}" if number < 100 else f"{number:,.0f}"


def _found(outcome: Outcome) -> tuple[str, ...]:
    percentiles = (f"{outcome.percentile(percent):.1f}" for percent in (50, 99))
    return (*percentiles, f"{outcome.refused_share:.2%}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    for name, default, what in (
        ("processors", 16, "virtual processors of a machine"),
        ("utilization", 0.9, "how busy they may be, 0 to 1"),
        ("gigabits", 6.25, "network of a machine, Gbit/s"),
        ("processor-hour", 0.041, "dollars for a virtual processor for an hour"),
        ("reads", 0.4, "dollars for a million objects read"),
        ("writes", 5.0, "dollars for a million objects written"),
        ("terabyte-month", 23.0, "dollars for a terabyte stored for a month"),
        ("seed", 0, "of the simulation"),
    ):
        parser.add_argument(
            f"--{name}", type=type(default), default=default, help=f"{what} (default {default})"
        )
    return parser


if __name__ == "__main__":
    main()
