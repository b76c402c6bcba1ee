"""python -m tests.chaos [FAULT ...] [--seconds N]: faults, and what clients see of them."""

import argparse
import asyncio
import importlib
import resource
import sys
import tempfile
from pathlib import Path

from tests.chaos.fault import Fault, Report
from tests.chaos.play import crowd, play, reference, staged
from tests.chaos.reference import Reference
from tests.chaos.table import HEAD, row

FAULTS = (
    "kill",
    "terminate",
    "stop",
    "reload",
    "vanish",
    "slow",
    "disk",
    "descriptors",
    "memory",
    "clock",
    "overload",
    "soak",
)
"""The modules of the faults."""


def main() -> int:
    """Run the command line; return 1 where anything was not as it has to be."""
    options = _parser().parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    answers = reference()
    reports = []
    print(HEAD, flush=True)
    for name in options.faults or FAULTS:
        report = run(load(name), answers, options.seconds)
        print(row(report), flush=True)
        reports.append(report)
    for report in reports:
        for each in (*report.notes, *report.failures):
            print(f"{report.fault}: {each}")
    return 1 if any(report.failures for report in reports) else 0


def load(name: str) -> Fault:
    """Return the fault of a module."""
    found = importlib.import_module(f"tests.chaos.{name}").FAULT
    assert isinstance(found, Fault)
    return found


def run(fault: Fault, answers: Reference, seconds: float | None) -> Report:
    """Play a fault with a service of its own."""
    if lacking := fault.lacks():
        return Report(fault.name, skipped=lacking)
    clients = crowd(fault.clients, answers)
    with tempfile.TemporaryDirectory(prefix="chaos-") as name, staged(Path(name), fault) as service:
        return asyncio.run(play(fault, service, answers, clients, seconds))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"of {', '.join(FAULTS)}")
    parser.add_argument(
        "--seconds", type=float, help="how long each lasts; its own time by default"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
