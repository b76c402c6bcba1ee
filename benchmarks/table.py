"""Results as Markdown tables that are readable in a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.contenders import BARE
from benchmarks.measure import Run

TOLERATED = 0.1
"""Processors that anything else on the machine may take before a run says so."""


@dataclass
class Result:
    """What a contender gave: a run for each number of connections, one at half its highest load.

    reason: why there are no runs, or no more.
    """

    name: str
    title: str
    version: str
    ready: float = 0.0
    runs: dict[int, Run] = field(default_factory=dict)
    half: Run | None = None
    reason: str = ""


def tables(results: Sequence[Result]) -> str:
    """Return a table for each number of connections, and one for half of the highest load."""
    parts = []
    for connections in sorted({each for result in results for each in result.runs}):
        rows = [_row(result, result.runs.get(connections), results) for result in results]
        head = ["contender", "answers/s", "of the bare limit", "p50, ms", "p99, ms", "faults"]
        parts.append(f"## {connections} connections\n\n{table(head, rows)}")
    if any(result.half for result in results):
        rows = [_half_row(result) for result in results]
        head = ["contender", "requests/s", "p50, ms", "p99, ms", "p99 / p50", "faults"]
        parts.append(f"## At half of its highest load, open loop\n\n{table(head, rows)}")
    missing = [f"- {_name(result)}: {result.reason}" for result in results if result.reason]
    if missing:
        parts.append("## Not measured\n\n" + "\n".join(missing) + "\n")
    return "\n".join(parts)


def share(run: Run, connections: int, results: Sequence[Result]) -> float | None:
    """Return a run's answers a second as a share of the bare limit's, if that was measured."""
    for result in results:
        if result.name == BARE.name and connections in result.runs:
            return float(run["rps"] / result.runs[connections]["rps"])
    return None


def faults(run: Run) -> str:
    """Return what went wrong in a run, in words."""
    found = {
        status: summary["count"] for status, summary in run["statuses"].items() if status != "200"
    }
    found |= {name: run[name] for name in ("lost", "refused", "wrong") if run[name]}
    parts = [f"{count} x {what}" for what, count in found.items()]
    if run["others_cpu"] > TOLERATED:
        parts.append(f"{run['others_cpu']:.2f} processors taken by others")
    return ", ".join(parts)


def _row(result: Result, run: Run | None, results: Sequence[Result]) -> list[str]:
    if run is None:
        return [_name(result), "-", "-", "-", "-", "not measured"]
    answers = run["statuses"]["200"]
    part = share(run, run["connections"], results)
    return [
        _name(result),
        f"{run['rps']:,.0f}",
        f"{part:.2f}" if part else "-",
        f"{answers['p50']:.2f}",
        f"{answers['p99']:.2f}",
        faults(run),
    ]


def _half_row(result: Result) -> list[str]:
    if result.half is None:
        return [_name(result), "-", "-", "-", "-", "not measured"]
    answers = result.half["statuses"]["200"]
    return [
        _name(result),
        f"{result.half['rps']:,.0f}",
        f"{answers['p50']:.2f}",
        f"{answers['p99']:.2f}",
        f"{answers['p99'] / answers['p50']:.1f}",
        faults(result.half),
    ]


def _name(result: Result) -> str:
    return f"{result.title} {result.version}".strip()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose columns are aligned in plain text too: words left, numbers right.

    Words are in the first and in the last column.
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    words = (0, len(head) - 1)

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if index in words else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * width if index in words else "-" * (width - 1) + ":"
        for index, width in enumerate(widths)
    ]
    return "\n".join([line(head), line(rule), *map(line, rows), ""])
