"""python -m benchmarks.gpu: parity, speed, memory and settings on a GPU, in ten minutes.

The most important comes first, each part in a process of its own with a limit of time. Results are
written as they come: a run that is broken off keeps what it measured.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.contenders import ROOT
from benchmarks.environments import tail
from benchmarks.gpu.card import described
from benchmarks.gpu.clock import Clock, limit, timed
from benchmarks.gpu.options import PARTS, parser
from benchmarks.gpu.rows import Row, row, tables
from benchmarks.photographs.pictures import made_up
from benchmarks.processes import none_left

NOT = "Not measured"
GRACE = 10.0
"""Seconds over its limit after which a part is ended: it looks at its clock between measurements
and begins none when it is over."""


def main() -> int:
    """Run the command line; return 1 where a part could not be measured."""
    options = parser("python -m benchmarks.gpu", __doc__).parse_args()
    for name in ("models", "graphs", "picture", "out"):  # parts run in the root
        if given := getattr(options, name):
            setattr(options, name, given.resolve())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that parts are ended too
    options.out.mkdir(parents=True, exist_ok=True)
    report = Report(options.out, described(options.device))
    clock, shares = Clock(options.budget), [PARTS[name] for name in options.only]
    if not options.picture:  # which takes a second: once for all parts
        options.picture = options.out / "gpu.npy"
        np.save(options.picture, made_up(0))
    for place, name in enumerate(options.only):
        seconds = limit(shares, place, clock)

        def measure(name: str = name, seconds: float = seconds) -> None:
            for each in _rows(name, seconds, options):
                report.add(each)

        print(f"{name}: {timed(measure):.1f} s of {seconds:.0f}", file=sys.stderr, flush=True)
    print(report.text())
    return int(any(each.table == NOT for each in report.rows))


class Report:
    """What was measured so far, in gpu.jsonl and as tables in gpu.md."""

    def __init__(self, out: Path, setting: str) -> None:
        self.rows: list[Row] = []
        self._setting = setting
        self._lines, self._tables = out / "gpu.jsonl", out / "gpu.md"
        self._lines.write_text("")

    def add(self, one: Row) -> None:
        """Write one more row."""
        self.rows.append(one)
        with self._lines.open("a") as lines:
            lines.write(one.line() + "\n")
        self._tables.write_text(self.text())

    def text(self) -> str:
        """Return the tables under what they were measured on."""
        return f"{self._setting}\n{tables(self.rows)}"


def _rows(name: str, seconds: float, options: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows of a part that runs in a process of its own, and why there are no more."""
    words = [sys.executable, "-m", "benchmarks.gpu.part", name, *_arguments(options, seconds)]
    with none_left(), tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process:
            guard = threading.Timer(max(seconds, 0) + GRACE, process.kill)
            guard.start()
            try:
                assert process.stdout
                for line in process.stdout:
                    yield row(line)
                process.wait()
            finally:
                guard.cancel()
                process.kill()
        if process.returncode:
            errors.seek(0)
            late = process.returncode == -signal.SIGKILL
            reason = f"ended at its limit of {seconds:.0f} s" if late else tail(errors.read(), 1)
            yield Row(NOT, name, note=f"no more: {reason}")


def _arguments(options: argparse.Namespace, seconds: float) -> list[str]:
    """Return the words of a command line for a part, with its own budget."""
    given = vars(options) | {"budget": max(seconds, 0.0)}
    words = []
    for name, value in given.items():
        if name != "only":
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            words += [f"--{name}", text]
    return words


if __name__ == "__main__":
    sys.exit(main())
