"""Fuzz a target, or all of them, each in a process of its own: python -m tests.fuzz all."""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.registry import NAMES, target_of

FOUND = Path("runs/fuzz")
"""Inputs that reach new code, and those that are faults."""
INPUTS = 10_000_000
HEAD = "| target | inputs | seconds | peak MiB | MiB that it grew |\n|---|--:|--:|--:|--:|"


def main(arguments: list[str] | None = None) -> int:
    """Fuzz; return the exit status, 1 where there is a fault.

    Args:
        arguments: Those of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=["all", *NAMES])
    parser.add_argument("--inputs", type=int, default=INPUTS, help="of all targets together")
    parser.add_argument("--seconds", type=int, default=0, help="of each target, 0 for no end")
    parser.add_argument("--folder", type=Path, default=FOUND, help="where inputs are kept")
    options = parser.parse_args(arguments)
    names = NAMES if options.target == "all" else (options.target,)
    shares = {name: target_of(name).share for name in names}
    options.folder.mkdir(parents=True, exist_ok=True)
    print(HEAD, flush=True)
    status = 0
    for name, share in shares.items():
        inputs = options.inputs * share // sum(shares.values())
        status |= _fuzz(name, inputs, options.seconds, options.folder)
    return status


def _fuzz(name: str, inputs: int, seconds: int, folder: Path) -> int:
    """Fuzz one target and print a row of the table; return 1 where there is a fault."""
    command = ["-m", "tests.fuzz.engine", name, str(inputs), str(seconds), str(folder)]
    started = time.monotonic()
    log = folder / f"{name}.log"
    with log.open("w") as stream:
        ended = subprocess.run(
            [sys.executable, *command], check=False, stdout=stream, stderr=stream
        )
    text = log.read_text(errors="replace")
    done, peak, grown = (
        _number(text, label)
        for label in ("stat::number_of_executed_units:", "stat::peak_rss_mb:", "memory grew by")
    )
    taken = time.monotonic() - started
    print(f"| {name} | {done:,} | {taken:.0f} | {peak} | {grown} |", flush=True)
    if ended.returncode:
        print(f"{name}: a fault, see {log}", file=sys.stderr, flush=True)
    return int(ended.returncode != 0)


def _number(text: str, label: str) -> int:
    """Return the last number behind a label in a log, -1 without one."""
    found = re.findall(rf"{re.escape(label)}\s*(-?\d+)", text)
    return int(found[-1]) if found else -1


if __name__ == "__main__":
    sys.exit(main())
